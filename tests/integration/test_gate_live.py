"""The gate's real runner: two commits of a little repository built and played, and what can't be built, run or spoken to."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.gate.build import SideError, builds
from experiments.gate.runner import LiveRunner
from experiments.gate.scenario import scenario
from experiments.gate.slot import Slot

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SHORT = """
[experiment]
name = "short"
[swarm]
agents = 4
batch_size = 200
[swarm.arrivals]
kind = "saturate"
[trial]
warmup_s = 0.3
measure_s = 1.0
"""

Change = Callable[[Path], None]


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    """A repository whose first commit holds this tree's system, and a scenario beside it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copytree(ROOT / "system", folder / "system", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "requirements").mkdir()
    shutil.copy(ROOT / "requirements" / "run.lock", folder / "requirements")
    (folder / ".gitignore").write_text(".venv/\n__pycache__/\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    (tmp_path / "short.toml").write_text(SHORT)
    yield folder
    assert git(folder, "worktree", "list").count("\n") == 0  # what was built is gone


def changed(repository: Path, path: str, before: str, after: str) -> None:
    """Commits a change of one file."""
    text = (repository / path).read_text()
    assert before in text
    (repository / path).write_text(text.replace(before, after))
    git(repository, "commit", "-qam", "head")


def played(repository: Path, base: str, head: str, *sides: str) -> list[Slot]:
    """A slot of each of the sides, as the first pair."""
    short = scenario(str(repository.parent / "short.toml"))
    commits = {"base": git(repository, "rev-parse", base), "head": git(repository, "rev-parse", head)}
    with builds(repository, commits) as found:  # type: ignore[arg-type]
        runner = LiveRunner(found, repository.parent / "logs", seed=1)
        return [runner.run(short, side, place, 0) for place, side in enumerate(sides, 1)]  # type: ignore[arg-type]


def test_a_pair_is_played_and_a_head_that_loses_what_it_acknowledged_is_seen(repository: Path) -> None:
    # Every 50th batch's row isn't written, although the batch is taken off the journal.
    push = "kept[#kept + 1] = ARGV[at + 1]"
    planted = f"if redis.call('HINCRBY', 'plant', 'n', 1) % 50 ~= 0 then {push} end"
    changed(repository, "system/broker/scripts/finish.lua", push, planted)
    base, head = played(repository, "HEAD~1", "HEAD", "base", "head")
    for slot in (base, head):
        assert slot.failure is None
        assert slot.figures["throughput"]
        assert set(slot.cpu_us_per_record) == {"gateway", "broker", "workers", "sweeper"}
        assert slot.figures["cpu"] == pytest.approx(sum(slot.cpu_us_per_record.values()))
    assert base.spoiled == ()
    assert base.wrong_records == {}
    assert head.wrong_records["lost"] > 0


def test_a_side_of_another_version_cannot_be_spoken_to(repository: Path) -> None:
    changed(repository, "system/broker/presence.py", "VERSION: Final = 1", "VERSION: Final = 99")
    with pytest.raises(SideError, match=r"head \(\w{12}\) can't be spoken to: .* speaks version 99 .* speaks 1"):
        played(repository, "HEAD~1", "HEAD", "head")


def test_a_side_that_does_not_announce_itself_cannot_be_spoken_to(repository: Path) -> None:
    changed(repository, "system/gateway/__main__.py", 'with Presence(process, "gateway"), asyncio', "with asyncio")
    with pytest.raises(SideError, match=r"base \(\w{12}\) can't be spoken to: .* announce no version"):
        played(repository, "HEAD", "HEAD~1", "base")


def test_a_side_that_does_not_start_cannot_be_run(repository: Path) -> None:
    changed(repository, "system/gateway/__main__.py", "    keep_freed_memory()\n", "    sys.exit('no memory')\n")
    with pytest.raises(SideError, match=r"base \(\w{12}\) can't be run: .*gateway ended with code 1.*no memory"):
        played(repository, "HEAD", "HEAD~1", "base")


def test_a_profile_means_what_the_side_says(repository: Path) -> None:
    changed(
        repository,
        "system/settings.py",
        '"engine": "hyperscan"',
        '"engine": "none"',
    )
    with pytest.raises(SideError, match=r"head .* can't be run: .*none"):
        played(repository, "HEAD~1", "HEAD", "head")


@pytest.mark.parametrize(
    ("path", "before", "after", "why"),
    [
        ("system/sweeper.py", "def main", "def def main", "built"),
        ("requirements/run.lock", "celery==", "celery=!=", "built"),
    ],
)
def test_a_side_that_is_broken_cannot_be_built(repository: Path, path: str, before: str, after: str, why: str) -> None:
    changed(repository, path, before, after)
    with pytest.raises(SideError, match=rf"base \(\w{{12}}\) can't be {why}: "):
        played(repository, "HEAD", "HEAD~1")
