"""Two commits of a tiny repository counted under valgrind: a slowed function is caught by its name, and nothing else is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.instructions import __main__ as command

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind isn't installed"),
]

ROOT = Path(__file__).parents[2]
BENCHMARKS = """
from system.work import kept, slowed


def test_kept(counted):
    assert counted(lambda: kept(1000)) == 499500


def test_slowed(counted):
    assert counted(lambda: slowed(1000)) == 499500


def test_old_name(counted):
    assert counted(lambda: kept(100)) == 4950


def test_script(counted, redis):
    assert counted(lambda: redis.eval("local n = 0 for i = 1, 200000 do n = n + i end return n", 0)) == 20000100000
"""
WORK = """
def kept(n):
    return sum(range(n))


def slowed(n):
    return sum(x for x in range(n))
"""


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Its head does 3 % more in one function, and has another name for one benchmark."""
    for folder in ("system", "tests/bench", "requirements"):
        (tmp_path / folder).mkdir(parents=True)
    for package in ("system", "tests", "tests/bench"):
        (tmp_path / package / "__init__.py").touch()
    shutil.copy(ROOT / "requirements" / "run.lock", tmp_path / "requirements")
    (tmp_path / ".gitignore").write_text(".venv/\n__pycache__/\n")
    (tmp_path / "system" / "work.py").write_text(WORK)
    (tmp_path / "tests" / "bench" / "test_tiny.py").write_text(BENCHMARKS)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "base")
    planted = "    for x in range(30): pass\n    return sum(x for x in range(n))"
    (tmp_path / "system" / "work.py").write_text(WORK.replace("    return sum(x for x in range(n))", planted))
    (tmp_path / "tests" / "bench" / "test_tiny.py").write_text(BENCHMARKS.replace("old_name", "new_name"))
    git(tmp_path, "commit", "-qam", "head")
    return tmp_path


def test_a_slowed_function_is_caught_with_its_name(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(repository, None) == command.FAILED
    out = capsys.readouterr().out
    failures = [line for line in out.splitlines() if line.startswith("FAIL")]
    assert [line.split()[1] for line in failures] == ["tiny.old_name:", "tiny.slowed:"]
    assert "base has this benchmark and head doesn't" in failures[0]
    change = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith("tiny.")}
    assert change["tiny.kept"][-1] == change["tiny.script"][-1] == "same"
    # What nobody touched is nearly the same number; a server's clock ticks in between.
    assert abs(float(change["tiny.kept"][2].rstrip("%"))) < 0.1
    assert change["tiny.new_name"] == ["–", change["tiny.new_name"][1], "new"]


@pytest.mark.parametrize(("failing", "code"), [("head", command.FAILED), ("base", command.COULD_NOT_COUNT)])
def test_a_benchmark_that_fails_is_named_and_is_heads_fault_only_in_head(
    repository: Path, failing: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = repository / "tests" / "bench" / "test_tiny.py"
    whole = file.read_text()
    file.write_text(whole.replace("499500", "1"))
    git(repository, "commit", "-qam", "broken")
    if failing == "base":
        file.write_text(whole)
        git(repository, "commit", "-qam", "mended")
    monkeypatch.chdir(repository)
    monkeypatch.setattr("sys.argv", ["bench-gate", "--base", "HEAD~1"])
    assert command.main() == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"bench-gate: {failing} (" in last
    assert "tiny.kept fails: AssertionError" in last
