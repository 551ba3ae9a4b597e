"""What the texts name exists: tests of decisions, files behind links, folders and registries of the README."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("0*.md"))
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "notebooks/README.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))

#: A path in backticks is one of the repository's if it begins with one of its folders.
FOLDERS = ("docs", "experiments", "loadgen", "notebooks", "requirements", "system", "tests")


def named_paths(text: str) -> Iterator[str]:
    """Every `folder/file` in backticks, with or without ::test."""
    for path in re.findall(r"`([\w./:-]+)`", text):
        if path.split("/")[0] in FOLDERS and "/" in path:
            yield path


def missing(text: str) -> list[str]:
    """What a text names and isn't there."""
    found = []
    for named in named_paths(text):
        path, _, test = named.partition("::")
        if not (ROOT / path).exists():
            found.append(path)
        elif test and f"def {test}(" not in (ROOT / path).read_text():
            found.append(named)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_test_that_a_page_names_exists(page: Path) -> None:
    assert missing(page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if not target.startswith(("https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_all_its_parts_and_stands_in_the_list(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Refused", "Consequences", "Tests"]
    assert text.startswith(f"# {page.name[:4]}: ")
    title = text.splitlines()[0].partition(": ")[2]
    assert f"| [{page.name[:4]}]({page.name}) | {title} |" in (page.parent / "README.md").read_text()


def test_a_name_that_is_none_is_noticed() -> None:
    here = "tests/unit/test_text.py"
    assert missing(f"`{here}::test_a_name_that_is_none_is_noticed`") == []
    assert missing(f"`{here}::test_that_nobody_wrote`") == [f"{here}::test_that_nobody_wrote"]
    assert missing("`system/nowhere.py`") == ["system/nowhere.py"]
