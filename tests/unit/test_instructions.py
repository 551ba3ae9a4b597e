"""Instruction counts: what may change, what base is, and what happens where nothing can be counted."""

import subprocess
from pathlib import Path

import pytest

from experiments.gate import commits
from experiments.gate.commits import GateError
from experiments.instructions import __main__ as command
from experiments.instructions import callgrind
from experiments.instructions.callgrind import ValgrindError, least, per_call
from experiments.instructions.change import MOST_RISE_RATIO, Change, changes


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "system/x.py", "one")
    return tmp_path


def commit(folder: Path, path: str, text: str, message: str = "a commit") -> str:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def test_a_call_takes_what_n_more_calls_took() -> None:
    # 7 instructions of a loop's start each time, 100 a call; what came before the first mark counts nowhere.
    n = 5
    totals = [999, 7 + 100 * n, 7 + 100 * 2 * n, 12, 7 + 30 * n, 7 + 30 * 2 * n]
    assert per_call(["a", "b"], totals, n) == {"a": 100.0, "b": 30.0}


def test_a_tick_in_one_run_is_left_out() -> None:
    quiet = [9, 100, 200]
    assert least([[9, 100, 230], quiet, [9, 140, 200]]) == quiet
    with pytest.raises(ValgrindError, match=r"as many marks in each run, got \[3, 2\]"):
        least([quiet, quiet[:2]])


def test_marks_that_callgrind_did_not_see_are_no_counts() -> None:
    with pytest.raises(ValgrindError, match="3 marks for each of 2 benchmarks, got 5"):
        per_call(["a", "b"], [1, 2, 3, 4, 5], 5)


JUST = 1 + MOST_RISE_RATIO


@pytest.mark.parametrize(
    ("base", "head", "allowed", "what"),
    [
        (1000.0, 1000.0 * JUST - 0.1, None, "same"),
        (1000.0, 1000.0 * JUST + 0.1, None, "more"),
        (1000.0, 980.0, None, "same" if MOST_RISE_RATIO >= 0.02 else "fewer"),
        (1000.0, 900.0, None, "fewer"),
        (1000.0, 1060.0, 0.06, "accepted"),
        (1000.0, 1060.0 * JUST + 0.1, 0.06, "more"),
        (None, 1000.0, None, "new"),
        (1000.0, None, None, "missing"),
        (1000.0, None, 0.06, "missing"),
        (1000.0, None, -1.0, "accepted"),
    ],
)
def test_what_a_change_is(base: float | None, head: float | None, allowed: float | None, what: str) -> None:
    one = Change(name="engines.re", base=base, head=head, allowed_ratio=allowed)
    assert one.what == what
    assert (one.failure is not None) == (what in ("more", "missing"))


def test_a_failure_names_the_benchmark_both_counts_the_ratio_and_what_accepts_it() -> None:
    (slow,) = changes({"engines.re": 1_000_000.0}, {"engines.re": 1_100_000.0}, {})
    assert slow.failure is not None
    for part in ("engines.re", "1,000,000 to 1,100,000", "1.1000", "Perf-Accepted: bench/engines.re +10.0%"):
        assert part in slow.failure


def test_a_renamed_benchmark_is_missing_and_new() -> None:
    found = changes({"engines.re": 5.0}, {"engines.python": 5.0}, {})
    assert [(one.name, one.what) for one in found] == [("engines.python", "new"), ("engines.re", "missing")]
    assert "Perf-Accepted: bench/engines.re -100%" in (found[1].failure or "")


@pytest.mark.parametrize(
    ("line", "change"), [("bench/engines.re +6%", 0.06), ("bench/engines.re -100%", -1.0)], ids=["more", "gone"]
)
def test_a_trailer_accepts_a_benchmarks_instructions(repository: Path, line: str, change: float) -> None:
    base = git(repository, "rev-parse", "HEAD")
    head = commit(repository, "system/x.py", "two", f"slower\n\nPerf-Accepted: {line}")
    (found,) = commits.accepted(repository, base, head)
    assert (found.scenario, found.metric, found.change_ratio) == ("bench", "engines.re", change)


def test_a_trailer_that_accepts_fewer_instructions_is_an_error(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    head = commit(repository, "system/x.py", "two", "faster\n\nPerf-Accepted: bench/engines.re -6%")
    with pytest.raises(GateError, match="bench/NAME"):
        commits.accepted(repository, base, head)


def test_the_base_is_where_head_left_main_and_on_main_its_parent(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    assert command.base_of(repository) is None
    second = commit(repository, "system/x.py", "two")
    assert command.base_of(repository) == first
    git(repository, "switch", "-qc", "branch")
    commit(repository, "system/x.py", "three")
    commit(repository, "system/x.py", "four")
    assert command.base_of(repository) == second


def test_a_shallow_clone_has_no_base(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    commit(repository, "system/x.py", "two")
    clone = tmp_path_factory.mktemp("clone") / "shallow"
    git(repository, "clone", "-q", "--depth", "1", repository.as_uri(), str(clone))
    assert command.base_of(clone) is None


@pytest.fixture
def without_valgrind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callgrind.shutil, "which", lambda _name: None)


@pytest.mark.usefixtures("without_valgrind")
def test_documents_alone_pass_without_a_count_and_say_why(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(repository, "docs/x.md", "words")
    assert command.run(repository, None) == 0
    assert "nothing that runs differs" in capsys.readouterr().out


@pytest.mark.usefixtures("without_valgrind")
@pytest.mark.parametrize("path", ["system/y.py", "tests/bench/test_x.py"])
def test_without_valgrind_it_says_what_to_install(
    repository: Path, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository, path, "new")
    monkeypatch.chdir(repository)
    monkeypatch.setattr("sys.argv", ["bench-gate"])
    assert command.main() == command.COULD_NOT_COUNT
    assert "apt-get install valgrind" in capsys.readouterr().err


def test_a_base_that_is_no_commit_is_a_usage_error(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr("sys.argv", ["bench-gate", "--base", "nowhere"])
    assert command.main() == command.USAGE
    assert "'nowhere'" in capsys.readouterr().err
