"""An interrupted sweep, the runner killed outright, is resumed to the table it would have become; a run is reproduced."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Shell

SWEEP = """
[experiment]
name = "sweep"
replicates = 1
seed = 3
[swarm]
agents = 4
batch_size = 50
[swarm.arrivals]
kind = "poisson"
rate_per_s = 200.0
[trial]
warmup_s = 0.2
measure_s = 0.5
[validity]
send_lag_p99_s = 10.0             # how busy the machine is isn't this test's business
trend_ratio = 1.0
[factors]
"swarm.timeout_s" = [0.1, 0.2, 0.3]
"""


def table(run: Path) -> list[dict[str, Any]]:
    """What doesn't depend on the moment: each trial's cell, seed, schedule and account."""
    found = []
    for path in sorted((run / "trials").glob("*.json")):
        record = json.loads(path.read_bytes())
        found.append(
            {name: record[name] for name in ("index", "block", "cell", "replicate", "seed", "planned")}
            | {"fingerprint": record["load"]["fingerprint"]}
        )
    summary = json.loads((run / "summary.json").read_bytes())
    for one, trial in zip(found, summary["trials"], strict=True):
        one |= {"ledger": trial["ledger"], "detections": trial["detections"]}
    return found


@pytest.mark.timeout(400)
def test_a_killed_runners_sweep_is_resumed_to_the_same_table_and_runs_only_what_is_missing(shell: Shell) -> None:
    (shell.folder / "sweep.toml").write_text(SWEEP)
    process = shell.start("run", "sweep.toml", "--out", "killed")
    until = time.monotonic() + 100
    while (
        not list(shell.folder.glob("killed/sweep/*.partial/logs/0001/recorder.progress")) and time.monotonic() < until
    ):
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=10)
    assert shell.wait_until_nothing_runs(20) == []
    (partial,) = shell.folder.glob("killed/sweep/*.partial")
    kept = {path.name: path.read_bytes() for path in (partial / "trials").glob("*.json")}
    assert sorted(kept) == ["0000.json"], "killed in the middle of the second trial"
    resumed = shell.run("run", "sweep.toml", "--out", "killed", "--resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "2 trials to run" in resumed.stderr
    (run,) = shell.folder.glob("killed/sweep/*")
    assert {name: (run / "trials" / name).read_bytes() for name in kept} == kept
    # Against the run done again without an interrupt, by the command that is there for it.
    again = shell.run("reproduce", str(run), "--out", "again")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "no cell could be judged" in again.stdout  # one trial a cell
    whole = shell.folder / again.stdout.splitlines()[-1]
    assert table(run) == table(whole)
    assert len(table(run)) == 3
