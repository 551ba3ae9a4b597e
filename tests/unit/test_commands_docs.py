"""docs/commands.md and the command line say the same: every command, option, default and exit code."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from experiments.cli import main as command_line
from experiments.design.document import names

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()


def sections(page: str) -> dict[str, str]:
    """The text under each heading of the second level, by heading."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def command(name: str) -> click.Command:
    found = getattr(import_module(f"experiments.cli.{name}"), name)
    assert isinstance(found, click.Command)
    return found


def options(name: str) -> Iterator[click.Option]:
    return (one for one in command(name).params if isinstance(one, click.Option))


def default_of(option: click.Option) -> str | None:
    """An option's default as people read it; None if there is nothing to read."""
    default = option.default
    if option.is_flag or not isinstance(default, str | int | float | Path):
        return None
    return f"{default:g}" if isinstance(default, float) else str(default)


def documented(section: str) -> dict[str, list[str]]:
    """The rows of a section's table of options: name -> the row's cells."""
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if name := re.match(r"`(--[a-z-]+)", cells[0]):
            found[name[1]] = cells
    return found


def differences(name: str, page: str) -> list[str]:
    """What a page says wrongly of a command, or not at all."""
    section = sections(page).get(f"caudal {name}")
    if section is None:
        return [f"no section for caudal {name}"]
    rows = documented(section)
    known = {spelling: one for one in options(name) for spelling in one.opts}
    wrong = [f"{each} isn't documented" for each in known.keys() - rows.keys()]
    wrong += [f"{each} doesn't exist" for each in rows.keys() - known.keys()]
    for each in known.keys() & rows.keys():
        default = default_of(known[each])
        if default is not None and f"`{default}`" not in rows[each][1]:
            wrong.append(f"the default of {each} is {default}, the page says {rows[each][1]!r}")
        if known[each].required != (rows[each][1] == "required"):
            wrong.append(f"whether {each} is required")
    arguments = [one.name or "" for one in command(name).params if isinstance(one, click.Argument)]
    usage = section.lstrip().splitlines()[0]
    wrong += [f"the usage lacks {each.upper()}" for each in arguments if each.upper() not in usage]
    return wrong


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_each_option_of_each_command_stands_in_its_section(name: str) -> None:
    assert differences(name, PAGE) == []


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_each_command_stands_in_the_overview(name: str) -> None:
    assert f"| [`caudal {name}`](#caudal-{name}) |" in PAGE


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_the_help_of_each_command_folds_no_example_at_80_columns(name: str) -> None:
    shown = click.Context(command(name), info_name=f"caudal {name}", terminal_width=80).get_help()
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_no_command_is_documented_that_is_none() -> None:
    headings = {heading.removeprefix("caudal ") for heading in sections(PAGE) if heading.startswith("caudal ")}
    assert headings == set(command_line.COMMANDS)


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    codes = {int(found) for found in re.findall(r"^\| (\d+) \|", sections(PAGE)["Exit codes"], re.MULTILINE)}
    assert codes == {
        0,
        command_line.DIFFERS,
        command_line.USAGE,
        command_line.COULD_NOT_MEASURE,
        command_line.INCONCLUSIVE,
        command_line.INTERRUPTED,
    }


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("| `--budget TIME` |", "| `--bugdet TIME` |", "--budget isn't documented"),
        ("| `--tag TEXT` | `caudal` |", "| `--tag TEXT` | `log` |", "the default of --tag is caudal"),
        ("| `--to HOST:PORT` | required |", "| `--to HOST:PORT` | |", "whether --to is required"),
        ("caudal report [OPTIONS] RUN\n", "caudal report [OPTIONS]\n", "the usage lacks RUN"),
        ("\n## caudal doctor", "\n### caudal doctor", "no section for caudal doctor"),
    ],
)
def test_a_page_that_is_wrong_is_noticed(before: str, after: str, complaint: str) -> None:
    assert before in PAGE
    found = [each for name in command_line.COMMANDS for each in differences(name, PAGE.replace(before, after))]
    assert any(complaint in each for each in found), found


def unlisted(page: str) -> set[str]:
    """The configs that come with the project and that the section of `caudal run` doesn't name."""
    listed = sections(page)["caudal run"].partition("What a config holds")[0]
    return set(names()) - set(re.findall(r"`([^`]+)`", listed))


def test_every_config_that_can_be_run_by_name_is_listed() -> None:
    assert unlisted(PAGE) == set()


def test_a_config_that_is_left_out_of_the_list_is_found() -> None:
    assert unlisted(PAGE.replace("`emulated-cores`, ", "")) == {"emulated-cores"}
