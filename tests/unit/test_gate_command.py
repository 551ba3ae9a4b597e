"""`caudal gate` whole, but for the builds and the slots, which are made up: verdicts, exit codes, files, refusals."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.cli.main import main
from experiments.gate import outputs, run
from experiments.gate.build import SideError
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Position, Side, Slot
from tests.unit.gate_pairs import slot_of

Made = Callable[[Side, Position, int], Slot]


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, check=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three commits: a base, a document, code."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "base")
    for name in ("docs/a.md", "system/a.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("text\n")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Fake:
    """A runner whose slots take no time."""

    made: Made

    def __init__(self, *_: object) -> None:
        pass

    def calibrate(self, _scenario: Scenario) -> float | None:
        return None

    def run(self, _scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        return type(self).made(side, position, pair)


def steady(slowdown: float = 0.0, amplitude: float = 0.002) -> Made:
    return lambda side, position, pair: slot_of(
        side, position, slowdown if side == "head" else 0.0, amplitude * ((pair * 7 + position * 5) % 13 - 6)
    )


def breaking(error: BaseException) -> Made:
    """Three pairs are played; then this is raised."""

    def until(side: Side, position: Position, pair: int) -> Slot:
        if pair == 3:
            raise error
        return slot_of(side, position)

    return until


def ended(monkeypatch: pytest.MonkeyPatch, made: Made | None, *words: str, builds: Any = None) -> int:
    """The exit code of `caudal gate` with these words. `made` None: nothing may be built."""

    @contextlib.contextmanager
    def built(*_: object) -> Iterator[dict[str, None]]:
        assert made is not None, "nothing was to be built"
        yield {"base": None, "head": None}

    monkeypatch.setattr(run, "builds", builds or built)
    monkeypatch.setattr(run, "LiveRunner", type("Runner", (Fake,), {"made": staticmethod(made)}))
    with pytest.raises(SystemExit) as end:
        main(["gate", *words, "--out", "found"])
    assert isinstance(end.value.code, int)
    return end.value.code


def asked(*more: str) -> list[str]:
    return ["--base", "HEAD~2", "--scenario", "gate-heavy", "--seed", "5", *more]


def test_an_unchanged_head_passes(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, steady(), *asked()) == 0
    said = capsys.readouterr()
    assert said.out.startswith("# PASS: gate-heavy")
    assert said.out.endswith("found\n")
    assert "gate-heavy: pair 12" in said.err
    found = outputs.read(repository / "found" / "result.json")
    assert (found.verdict, found.seed, len(found.pairs)) == ("PASS", 5, 13)


def test_a_slower_head_fails_with_1(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, steady(0.15), *asked()) == 1
    assert (repository / "found" / "summary.md").read_text().startswith("# FAIL: gate-heavy")


def test_inconclusive_is_0_and_loud_or_4_where_that_was_asked_for(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = steady(0.02, amplitude=0.2)
    assert ended(monkeypatch, noisy, *asked()) == 0
    assert "INCONCLUSIVE" in capsys.readouterr().err
    (repository / "found" / "result.json").unlink()
    assert ended(monkeypatch, noisy, *asked("--on-inconclusive=fail")) == 4


def test_a_side_that_cannot_be_run_is_3_with_that_sentence(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_side: Side, _position: Position, _pair: int) -> Slot:
        raise SideError("base (0123456789ab) can't be run: gateway ended with code 1")

    assert ended(monkeypatch, refused, *asked()) == 3
    assert "# UNMEASURED: base (0123456789ab) can't be run" in (repository / "found" / "summary.md").read_text()
    assert "<error" in (repository / "found" / "junit.xml").read_text()


def test_an_interrupt_is_130_and_keeps_what_was_played(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, breaking(KeyboardInterrupt()), *asked()) == 130
    found = outputs.read(repository / "found" / "result.json")
    assert (found.verdict, len(found.pairs)) == ("INTERRUPTED", 3)


def test_what_was_played_before_a_side_could_not_be_run_is_kept(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = SideError("head (0123456789ab) can't be run: the broker didn't start")
    assert ended(monkeypatch, breaking(broken), *asked()) == 3
    found = outputs.read(repository / "found" / "result.json")
    assert (found.verdict, len(found.pairs)) == ("UNMEASURED", 3)


def test_a_second_interrupt_while_the_builds_are_removed_keeps_what_was_played(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def interrupted(*_: object) -> Iterator[dict[str, None]]:
        yield {"base": None, "head": None}
        raise KeyboardInterrupt

    assert ended(monkeypatch, breaking(KeyboardInterrupt()), *asked(), builds=interrupted) == 130
    found = outputs.read(repository / "found" / "result.json")
    assert (found.verdict, len(found.pairs)) == ("INTERRUPTED", 3)
    assert "before the first pair" not in found.reason


def test_a_commit_of_documents_passes_without_being_built_and_says_why(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, None, "--base", "HEAD~2", "--head", "HEAD~1") == 0
    assert "# PASS: nothing that runs differs: docs/a.md" in capsys.readouterr().out


def test_a_commit_against_itself_is_measured_only_if_asked(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, None, "--base", "HEAD", "--scenario", "gate-heavy") == 0
    (repository / "found" / "result.json").unlink()
    assert ended(monkeypatch, steady(), "--base", "HEAD", "--scenario", "gate-heavy", "--always") == 0
    assert outputs.read(repository / "found" / "result.json").pairs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (asked("--budget", "4m"), "--budget must be at least 5m, which the first look at 12 pairs"),
        (["--base", "nowhere"], "--base must name a commit"),
        ([], "--base is missing"),
        (["--base", "HEAD~2", "--shard", "1/3"], "--shard needs --seed"),
        (asked("--shard", "4/3"), "'4/3' is not I/K with I from 1 to K"),
        (asked("--merge", "a"), "--merge plays nothing: leave --base and --shard out"),
        (asked("--scenario", "gate-heavy"), "--scenario must name each scenario once"),
        (["--base", "HEAD~1", "--scenario", "quickstart"], "a gate's scenario must have one cell"),
    ],
)
def test_what_cannot_be_asked_is_2_and_builds_nothing(
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    assert ended(monkeypatch, None, *words) == 2
    assert message in capsys.readouterr().err
    assert not (repository / "found").exists()


def test_a_folder_that_holds_a_result_is_not_written_over(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, steady(), *asked()) == 0
    before = (repository / "found" / "result.json").read_bytes()
    assert ended(monkeypatch, None, *asked()) == 2
    assert (repository / "found" / "result.json").read_bytes() == before


def test_an_accepted_regression_is_recorded_and_does_not_fail(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", "more\n\nPerf-Accepted: gate-heavy/throughput -9%")
    assert ended(monkeypatch, steady(0.08), "--base", "HEAD~3", "--scenario", "gate-heavy", "--seed", "5") == 0
    found = outputs.read(repository / "found" / "result.json")
    assert [one.change_ratio for one in found.accepted] == [-0.09]
    assert "accepted on purpose: gate-heavy/throughput -9.0 %" in outputs.summary(found)


def test_shards_are_played_and_merged(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        assert ended(monkeypatch, steady(0.15), *asked("--shard", f"{number}/2")) == 0
        (repository / "found").rename(repository / f"shard-{number}")
        assert "# PARTIAL: gate-heavy: shard" in capsys.readouterr().out
    assert ended(monkeypatch, None, "--merge", "shard-1", "--merge", "shard-2") == 1
    assert len(outputs.read(repository / "found" / "result.json").pairs) == 42
