"""Plain Celery as most people write it (plain_app.py), beside our pipeline: web lines analysed end to end.

Theirs: a producer in a loop, one node with a child a CPU. Ours: swarm, gateway and all, profile `tuned`, BATCH_SIZE 100.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from experiments.deploy import broker
from experiments.deploy.process import ChildProcess, ProcessError
from experiments.design.config import load
from experiments.design.plan import plan
from experiments.metrics.trial import summarise
from experiments.peers.contest import Contest, Score
from experiments.peers.plain_app import COUNTED
from experiments.running.trial import TrialRun

BATCH: Final = 100
_START_S: Final = 30.0
_TURN_S: Final = 120.0
_LOOK_S: Final = 0.01

#: What `cpu_s_per_million_records` counts once more in another part, or isn't the load's or the system's.
_NOT_ADDED: Final = frozenset({"worker_parents", "worker_children", "runner", "probes"})


def contest() -> Contest:
    """Ours, and theirs with a record and with a hundred records a task."""
    return Contest(
        "web lines analysed, with what sends them",
        "records",
        "Caudal acknowledges a batch when it stands in the journal, and gives its result once. Plain Celery acknowledges"
        " nothing to a sender, and what a dying worker has in hand is lost; its producer stands for agents and gateway.",
        {"caudal": ours, "a task a record": lambda: theirs(1), f"a task {BATCH} records": lambda: theirs(BATCH)},
        {},
    )


def ours() -> Score:
    """One trial. Raises: ProcessError if it is invalid."""
    keys = ("experiment.replicates=1", "trial.warmup_s=1", "trial.measure_s=3")
    (trial,) = [one for one in plan(load("goals", keys)).trials if one.cell.levels["swarm.batch_size"] == BATCH]
    with tempfile.TemporaryDirectory(prefix="caudal-peers-") as folder:
        record, tables = TrialRun(trial, "peers", Path(folder), lambda _: None).run()
    found = summarise(record, tables)
    if not found.valid or found.carried_records_per_s is None:
        raise ProcessError(f"the trial is invalid: {'; '.join(found.reasons) or found.failure}")
    spent = found.cost["cpu_s_per_million_records"].items()
    return Score(
        found.carried_records_per_s, 1e6 / sum(cpu_s for part, cpu_s in spent if cpu_s and part not in _NOT_ADDED)
    )


def theirs(records_a_task: int) -> Score:
    """From the producer's start until the last record it published is counted."""
    with tempfile.TemporaryDirectory(prefix="caudal-peers-") as name:
        folder = Path(name)
        server = broker.start(folder, named=None, url=None, cpus=())
        started: list[ChildProcess] = []

        def start(part: str, *words: str) -> ChildProcess:
            command = [sys.executable, "-m", "experiments.peers.plain_app", *words]
            started.append(ChildProcess(part, command, folder, environment={}))
            started[-1].tell(server.url)
            return started[-1]

        try:
            assert server.process is not None
            worker = start("worker", "work")
            worker.expect("ready", _START_S)
            client = server.client()
            before, begun = worker.cpu_s() + server.process.cpu_s(), time.monotonic()
            producer = start("producer", "publish", str(records_a_task))
            published = int(producer.expect("published", _TURN_S))
            producer_s = float(producer.expect("cpu", _TURN_S))
            while int(client.hget(COUNTED, "records") or 0) < published:
                if time.monotonic() - begun > _TURN_S:
                    raise ProcessError(f"plain Celery did not analyse {published} records within {_TURN_S:g} s")
                time.sleep(_LOOK_S)
            took_s = time.monotonic() - begun
            spent_s = worker.cpu_s() + server.process.cpu_s() - before + producer_s
            return Score(published / took_s, published / spent_s)
        finally:
            for process in started:
                process.stop()
            server.stop()
