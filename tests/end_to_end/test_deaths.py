"""A part that dies unasked in the middle of a trial: the trial failed, for that reason, and nothing hangs or stays."""

import json
import time
from pathlib import Path

import psutil
import pytest

from .conftest import Shell

COULD_NOT_MEASURE = 3


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("system.gateway", "gateway"),
        ("valkey", "broker"),
        ("system.worker", "workers0"),
        ("system.sweeper", "sweeper"),
        ("loadgen.recorder", "recorder"),
        ("loadgen.swarm", "swarm0"),
    ],
)
def test_a_part_that_dies_makes_the_trial_fail_for_that_reason(shell: Shell, tiny: Path, word: str, name: str) -> None:
    process = shell.start("run", "tiny.toml", "--set", "trial.measure_s=20.0")
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*/logs/0000/swarm-0.progress")) and time.monotonic() < until:
        time.sleep(0.05)
    victims = [
        child for child in psutil.Process(process.pid).children(recursive=True) if word in " ".join(child.cmdline())
    ]
    assert victims
    for victim in victims:
        victim.kill()
    out, err = process.communicate(timeout=30)
    assert process.returncode == COULD_NOT_MEASURE, err
    assert "Traceback" not in err
    summary = json.loads((shell.folder / out.strip().splitlines()[-1] / "summary.json").read_text())
    (trial,) = summary["trials"]
    assert (summary["verdict"], trial["outcome"], trial["valid"]) == ("invalid", "failed", False)
    assert f"{name} was killed by SIGKILL" in trial["failure"]
    assert trial["carried_records_per_s"] is None
    assert "nothing was measured" in out
