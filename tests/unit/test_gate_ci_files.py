"""The ready CI files call commands that exist, and treat pull requests and the main branch as the pages say."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from experiments.cli.gate import gate

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docs" / "ci").glob("gate-*.yml"))


def texts(value: Any) -> Iterator[str]:
    """Every text within a parsed file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def calls(path: Path) -> list[list[str]]:
    """The words behind `caudal gate` of each call."""
    lines = "\n".join(texts(yaml.safe_load(path.read_text()))).splitlines()
    return [shlex.split(re.sub(r'"\$\(.*\)"', "BASE", line))[2:] for line in lines if "caudal gate" in line]


def test_there_are_files_for_both() -> None:
    assert [path.stem for path in FILES] == ["gate-github", "gate-gitlab"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_calls_are_understood_and_only_the_main_branch_fails_if_inconclusive(path: Path) -> None:
    asked = [gate.make_context("gate", words).params for words in calls(path)]
    assert [one["on_inconclusive"] for one in asked] == ["pass", "fail"]
    assert all(one["base"] and one["out"] == Path("gate") for one in asked)
    assert "make .venv/run.stamp" in path.read_text()
    assert ".venv/run.stamp" in (ROOT / "Makefile").read_text()


def test_a_call_with_an_option_that_is_none_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "gate.yml"
    path.write_text(FILES[0].read_text().replace("--budget 30m", "--bugdet 30m"))
    with pytest.raises(click.NoSuchOption):
        gate.make_context("gate", calls(path)[0])
