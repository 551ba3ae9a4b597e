"""What takes long and can't be counted says so: the compilation of a large rule pack, in every command that does it."""

import contextlib
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from experiments.cli import progress
from experiments.cli.main import USAGE, main
from experiments.cli.progress import waiting
from system.engine import registry
from system.engine.engine import EngineError
from tests.unit.test_attempts import CONFIG


def until(reached: Callable[[], bool]) -> bool:
    """Whether it was reached within ten seconds."""
    end = time.monotonic() + 10
    while not reached() and time.monotonic() < end:
        time.sleep(0.001)
    return reached()


def shown(terminal: bool, lines: int) -> str:
    """What is shown when the work ends after so many lines, or redrawings."""
    written = io.StringIO()
    with waiting("compiling", Console(file=written, force_terminal=terminal, width=80)):
        assert until(lambda: written.getvalue().count("compiling ... 0 s") >= lines)
    return written.getvalue()


def test_what_is_short_shows_nothing() -> None:
    assert shown(terminal=False, lines=0) == shown(terminal=True, lines=0) == ""


def test_where_there_is_no_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.01)
    monkeypatch.setattr(progress, "LINE_S", 0.01)
    assert set(shown(terminal=False, lines=3).splitlines()) == {"compiling ... 0 s"}


def test_a_terminal_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.01)
    assert shown(terminal=True, lines=1).endswith("\x1b[2K")  # the line is cleared


def test_work_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.01)
    written = io.StringIO()
    with contextlib.suppress(ValueError), waiting("compiling", Console(file=written)):
        assert until(lambda: "compiling" in written.getvalue())
        raise ValueError("planted")
    assert "waiting" not in {one.name for one in threading.enumerate()}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> io.StringIO:
    """Standard error; every compilation lasts until something is told there, half a second at most, and fails then."""
    told = io.StringIO()

    def build(*_: object) -> None:
        end = time.monotonic() + 0.5
        while not told.getvalue() and time.monotonic() < end:
            time.sleep(0.001)
        raise EngineError("planted")

    monkeypatch.setattr(progress, "QUIET_S", 0.01)
    monkeypatch.setattr(registry, "build", build)
    monkeypatch.chdir(tmp_path)
    Path("again.toml").write_text(CONFIG.format(attempts=1))
    Path("a.log").write_text("a line\n")
    return told


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "again.toml"),
        ("run", "again.toml"),
        ("capacity", "again.toml", "--set", "objectives.p99_response_s=1"),
        ("up", "--listen", "127.0.0.1:0"),
        ("scan", "a.log"),
        ("worker",),
    ],
    ids=lambda words: words[0],
)
def test_every_command_that_compiles_signatures_says_so(slow: io.StringIO, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended, contextlib.redirect_stderr(slow):
        main(list(words))
    first, *_, last = slow.getvalue().splitlines()
    count = first.split()[1]
    assert first == f"compiling {count} signatures for hyperscan (kept for the next time) ... 0 s"
    assert int(count) > 10
    assert (ended.value.code, last) == (USAGE, "caudal: planted")


def test_a_quiet_run_does_not(slow: io.StringIO) -> None:
    with pytest.raises(SystemExit), contextlib.redirect_stderr(slow):
        main(["run", "again.toml", "--quiet"])
    assert slow.getvalue() == "caudal: planted\n"
