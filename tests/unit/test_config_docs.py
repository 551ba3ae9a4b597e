"""docs/config.md and the Structs say the same: every key, type and default, every profile, and an example that runs."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.design.config import decode
from experiments.design.errors import shown
from experiments.design.expectation import expectation
from experiments.design.nearest import title
from experiments.design.tables import ROOT, Key, Table, walk
from system.settings import PROFILES

PAGE = (Path(__file__).parents[2] / "docs" / "config.md").read_text()

TABLES = [entry for entry in walk(ROOT) if isinstance(entry, Table)]


def rows() -> dict[tuple[str, str], list[str]]:
    """The page's tables: (heading, key) -> the other columns."""
    found = {}
    heading = ""
    for line in PAGE.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            columns = [each.strip().replace("\\|", "|") for each in re.split(r"(?<!\\)\|", line)[1:-1]]
            found[heading, columns[0].strip("`")] = columns[1:]
    return found


ROWS = rows()


def expected(key: Key) -> tuple[str, str]:
    """What the columns "takes" and "default" must say of a key."""
    if key.default is msgspec.NODEFAULT:
        default = "required"
    elif key.default is None:
        default = "none"
    else:
        default = f"`{shown(key.default)}`"
    table, _, name = key.path.partition(".")
    by_profile = table == "system" and any(name in profile for profile in PROFILES.values())
    return expectation(key.accepted), f"*profile*, else {default}" if by_profile else default


def documented() -> dict[tuple[str, str], Key]:
    """Where each key must stand: (heading, name) -> key."""
    places = {}
    for table in TABLES:
        for kind, form in table.forms.items():
            for name, entry in form.items():
                own = f'{title(table.path)}, kind = "{kind}"' if kind and name != "kind" else title(table.path)
                if isinstance(entry, Key):
                    places[own, name] = entry
    return places


@pytest.mark.parametrize(("place", "key"), list(documented().items()), ids=lambda value: getattr(value, "path", ""))
def test_each_key_stands_in_its_section_with_its_type_and_default(place: tuple[str, str], key: Key) -> None:
    takes, default = expected(key)
    assert place in ROWS, (
        f"docs/config.md, section {place[0]}, lacks a row: | `{place[1]}` | {takes} | unit | {default} | meaning |"
    )
    assert (ROWS[place][0], ROWS[place][2]) == (takes, default)
    assert len(ROWS[place][3]) > 10


def test_the_page_has_no_key_that_is_none() -> None:
    stale = {place for place in ROWS if place[0] != "Profiles"} - set(documented())
    assert not stale


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.path)
def test_each_table_has_a_section(table: Table) -> None:
    assert f"### {title(table.path)}\n" in PAGE


def flat(table: dict[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def test_the_profiles_are_documented_key_by_key() -> None:
    settings = [flat(profile, "system.") for profile in PROFILES.values()]
    wanted = {}
    for path in dict.fromkeys(path for each in settings for path in each):
        columns = [each.get(path, ...) for each in settings]
        wanted[path] = ["" if each is ... else "none" if each is None else f"`{shown(each)}`" for each in columns]
    assert {name: columns for (heading, name), columns in ROWS.items() if heading == "Profiles"} == wanted
    assert f"| key | {' | '.join(PROFILES)} |" in PAGE


def example() -> str:
    found = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_is_a_config_that_can_be_run() -> None:
    made = decode(example(), source="docs/config.md", folder=Path("."))
    assert len(made.cells) == 3 * 2 * 2


@pytest.mark.parametrize("table", [each for each in TABLES if each.path.count(".") == 0], ids=lambda table: table.path)
def test_the_example_shows_every_table(table: Table) -> None:
    assert title(table.path) in example()
