"""What the gate reads of git: what changed, whether anybody runs it, and regressions that were accepted on purpose."""

import subprocess
from pathlib import Path

import pytest

from experiments.gate.commits import GateError, accepted, changed, resolve, runs, top


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "base")
    return tmp_path


def commit(repository: Path, message: str, **files: str) -> str:
    for name, text in files.items():
        path = repository / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "--allow-empty", "-m", message)
    return git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "path",
    ["docs/gate.md", "docs/adr/0001-a.md", "README.md", "tests/unit/test_a.py", "notebooks/first.ipynb", "LICENSE",
     "results/published/a/result.json", ".github/workflows/gate.yml", "notebooks/README.md"],
)  # fmt: skip
def test_what_nobody_runs_is_not_measured(path: str) -> None:
    assert runs([path]) == []


@pytest.mark.parametrize(
    "path",
    ["system/settings.py", "system/broker/scripts/accept.lua", "system/signatures/rules/web.toml", "requirements/run.lock",
     "pyproject.toml", "loadgen/swarm.py", "experiments/running/trial.py", "experiments/configs/a.toml", "Makefile",
     "new.py"],
)  # fmt: skip
def test_what_may_run_is(path: str) -> None:
    assert runs(["docs/gate.md", path]) == [path]


def test_a_file_that_moves_out_of_what_runs_counts_as_a_change_of_it(repository: Path) -> None:
    base = commit(repository, "one", system__a="text\n" * 20)
    (repository / "docs").mkdir()
    (repository / "system" / "a").rename(repository / "docs" / "a")
    head = commit(repository, "two")
    assert runs(changed(repository, base, head)) == ["system/a"]


def test_trailers_between_the_two_commits_count_and_the_latest_of_a_metric_does(repository: Path) -> None:
    commit(repository, "before\n\nPerf-Accepted: gate-heavy/cpu +9%")
    base = git(repository, "rev-parse", "HEAD")
    commit(repository, "one\n\nPerf-Accepted: gate-heavy/throughput -4%\nPerf-Accepted: gate-latency/p99 +12.5 %")
    last = commit(repository, "two\n\nIt carries less.\n\nPerf-Accepted: gate-heavy/throughput -6%")
    found = {(one.scenario, one.metric): one for one in accepted(repository, base, "HEAD")}
    assert {name: one.change_ratio for name, one in found.items()} == {
        ("gate-heavy", "throughput"): -0.06,
        ("gate-latency", "p99"): 0.125,
    }
    assert found["gate-heavy", "throughput"].commit == last


@pytest.mark.parametrize(
    "value", ["gate-heavy -6%", "gate-heavy/speed -6%", "gate-heavy/throughput 6%", "gate-heavy/throughput +6%",
              "gate-heavy/cpu -6%", "gate-heavy/throughput -100%", "gate-heavy/cpu a little"],
)  # fmt: skip
def test_a_trailer_that_cannot_be_read_or_asks_for_better_is_refused_with_its_commit(
    repository: Path, value: str
) -> None:
    base = git(repository, "rev-parse", "HEAD")
    told = commit(repository, f"one\n\nPerf-Accepted: {value}")
    with pytest.raises(GateError, match=f"Perf-Accepted must be SCENARIO/METRIC .* {told[:12]}"):
        accepted(repository, base, "HEAD")


def test_a_revision_that_is_none_is_refused_by_the_options_name(repository: Path) -> None:
    with pytest.raises(GateError, match=r"--base must name a commit of .*, got 'nowhere'"):
        resolve(repository, "--base", "nowhere")
    assert resolve(repository, "--base", "HEAD") == git(repository, "rev-parse", "HEAD")


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="is in no git repository"):
        top(tmp_path)
