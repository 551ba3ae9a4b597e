"""`caudal gate` on a little repository: two builds are played for real until it is interrupted, and nothing stays behind."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Shell

ROOT = Path(__file__).parents[2]
#: By its name its rate follows base's capacity.
SHORT = """
[experiment]
name = "gate-latency"
[swarm]
agents = 4
batch_size = 200
timeout_s = 0.1
[swarm.arrivals]
kind = "poisson"
rate_per_s = 100.0
[trial]
warmup_s = 0.3
measure_s = 1.0
"""


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.timeout(400)
def test_pairs_are_played_and_kept_when_the_gate_is_interrupted(shell: Shell) -> None:
    for name in ("system", "requirements"):
        shutil.copytree(ROOT / name, shell.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (shell.folder / ".gitignore").write_text("__pycache__/\nfound/\n")
    (shell.folder / "short.toml").write_text(SHORT)
    git(shell.folder, "init", "-q")
    for message in ("base", "head"):
        (shell.folder / "system" / "new.py").write_text(f'"""{message}"""\n')
        git(shell.folder, "add", "-A")
        git(shell.folder, "commit", "-qm", message)
    process = shell.start("gate", "--base", "HEAD~1", "--scenario", "short.toml", "--seed", "3", "--out", "found")
    until = time.monotonic() + 300
    result = shell.folder / "found" / "result.json"
    while not result.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    found = json.loads(result.read_text())
    assert found["verdict"] == "INTERRUPTED"
    assert out.startswith("# INTERRUPTED")
    pair = found["pairs"][0]
    assert [slot["side"] for slot in pair["slots"]] == (["base", "head"] if pair["base_first"] else ["head", "base"])
    assert all(slot["failure"] is None and slot["figures"]["cpu"] > 0 for slot in pair["slots"])
    assert found["rates_per_s"]["gate-latency"] > 0
    assert git(shell.folder, "worktree", "list").count("\n") == 0
    assert shell.wait_until_nothing_runs() == []
