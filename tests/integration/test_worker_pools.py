"""Each of Celery's pools runs a real trial: the ledger closes, what was planted is found, every commit has its instant.

Whether this machine's swarm sends in time is not asked here: the limit of the send lag is out of reach.
"""

from pathlib import Path

import numpy as np
import pytest

from experiments.cli.screen import QuietScreen
from experiments.design.config import decode
from experiments.running import run as runner

CONFIG = """
[experiment]
name = "pools"
replicates = 1
[swarm]
agents = 6
batch_size = 20
timeout_s = 0.05
[swarm.arrivals]
kind = "poisson"
rate_per_s = 200.0
[system]
engine = "{engine}"
coalesce = 2
worker_pool = "{pool}"
worker_concurrency = {concurrency}
[trial]
warmup_s = 0.5
measure_s = 2.0
drain_timeout_s = 30.0
[validity]
send_lag_p99_s = 10.0
"""


@pytest.mark.parametrize(
    ("pool", "concurrency", "engine"),
    [
        ("prefork", 2, "hyperscan"),
        ("threads", 3, "hyperscan"),
        ("solo", 1, "re2"),
        ("gevent", 3, "hyperscan"),
        ("gevent", 4, "emulated"),
    ],
)
def test_a_pool_runs_a_trial(tmp_path: Path, pool: str, concurrency: int, engine: str) -> None:
    text = CONFIG.format(pool=pool, concurrency=concurrency, engine=engine)
    folder, found = runner.run(
        decode(text, source="test", folder=tmp_path), tmp_path, command="test", screen=QuietScreen()
    )
    (trial,) = found.trials
    assert trial.failure is None, trial.failure
    assert trial.reasons == []
    assert trial.ledger is not None
    assert trial.ledger.analysed == trial.ledger.planned > 2000
    assert trial.ledger.duplicate_results == trial.ledger.repeat_executions == 0
    assert trial.commit_instants_unknown == 0
    assert trial.detections is not None
    if engine == "emulated":
        assert (trial.detections.planted, trial.detections.missed, trial.detections.spurious) == (None, None, None)
    else:
        assert trial.detections.planted
        assert (trial.detections.missed, trial.detections.spurious) == (0, 0)
    (record,) = folder.records()
    writers = np.unique(folder.tables(record).results["writer"])
    assert 1 <= len(writers) <= concurrency
    if pool == "threads":
        assert len(writers) > 1, "no two threads ever had a task at once: the test shows nothing"
