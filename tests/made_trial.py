"""A whole made-up trial in which everything is right: an open loop, its schedule, its detections, its counters."""

from typing import Any, NamedTuple

import msgspec
import numpy as np

from experiments.store.record import Load, TrialRecord
from experiments.store.tables import Tables
from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.records.attacks import SIGNATURES
from loadgen.model.records.ring import Mix, synthetic
from loadgen.model.schedule import schedule
from loadgen.model.truth import offset
from tests import made

SEED, AGENTS, START = 5, 3, 4_000_000_000
RING, RATIO, MIX = 64, 0.25, {"web": 2.0, "app": 2.0}
WINDOW = (START + 1_000_000_000, START + 3_000_000_000)
HORIZON_S = 3.0
PROCESS = Constant(rate_per_s=100.0)

#: What each stage of the made-up system takes, ns: sending 1 ms, the gateway 2, waiting 3, fetching 4, scanning 5, commit 6.
STAGES_NS = tuple(np.cumsum([1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000]).tolist())


class Made(NamedTuple):
    """A trial's record and tables, each a place to plant something."""

    record: TrialRecord
    tables: Tables

    def with_record(self, **changes: Any) -> "Made":
        """The same with some fields of the record changed."""
        return self._replace(record=msgspec.structs.replace(self.record, **changes))

    def with_tables(self, **changes: np.ndarray) -> "Made":
        """The same with some tables changed."""
        return self._replace(tables=self.tables._replace(**changes))


def load(process: OpenLoopProcess = PROCESS, batch_size: int = 10, timeout_s: float = 0.5) -> Load:
    """What the swarm was told."""
    found = made.load(
        arrivals=msgspec.to_builtins(process),
        open_loop=True,
        agents=AGENTS,
        batch_size=batch_size,
        timeout_s=timeout_s,
        horizon_s=HORIZON_S,
        records={"source": "synthetic", "paths": [], "ring_size": RING, "attack_ratio": RATIO, "mix": MIX},
    )
    return msgspec.structs.replace(found, fingerprint=_plan(process, batch_size, timeout_s).fingerprint())


def _plan(process: OpenLoopProcess, batch_size: int, timeout_s: float) -> Any:
    return schedule(process, seed=SEED, agents=AGENTS, batch_size=batch_size, timeout_s=timeout_s, horizon_s=HORIZON_S)


def trial(process: OpenLoopProcess = PROCESS, batch_size: int = 10, timeout_s: float = 0.5, **more: Any) -> Made:
    """A sound trial; `more` goes into the record."""
    plan = _plan(process, batch_size, timeout_s)
    batches, results = np.zeros(len(plan.count), made.BATCHES), np.zeros(len(plan.count), made.RESULTS)
    for table in (batches, results):
        for name in ("agent", "first", "count"):
            table[name] = getattr(plan, name)
    cut = START + plan.time_ns
    batches["cut_mono_ns"] = cut
    batches["sent_mono_ns"] = cut + STAGES_NS[0]
    batches["acked_mono_ns"] = cut + STAGES_NS[1] + 500_000
    results["own"] = results["analysed"] = True
    results["attempt"] = 1
    results["records"] = plan.count
    results["packed_bytes"] = 250 * plan.count
    for name, after in zip(("published", "started", "fetched", "scanned", "committed"), STAGES_NS[1:], strict=True):
        results[f"{name}_mono_ns"] = cut + after
    results["received_mono_ns"] = results["published_mono_ns"] - 1
    hits = _hits(results)
    results["hits"] = np.bincount(hits["result"], minlength=len(results))
    record = made.record(
        seed=SEED,
        load=load(process, batch_size, timeout_s),
        start_mono_ns=START,
        window=WINDOW,
        planned=plan.records,
        recorded_rows=len(results),
        counters={"batches_analysed": len(results), "queued": 0, "pending": 0},
        cpu_s={"gateway": 0.1, "broker": 0.05, "workers": 0.6, "swarm": 0.2},
        signatures=list(SIGNATURES),
        swarm={"bad_acks": 0, "reconnects": 0},
    )
    return Made(msgspec.structs.replace(record, **more), Tables(batches, results, hits))


def _hits(results: np.ndarray) -> np.ndarray:
    """What a perfect engine finds, record by record."""
    labels = synthetic(SEED, RING, RATIO, Mix(web=0.5, sshd=0.0, app=0.5)).labels
    assert labels is not None
    raises: dict[int, list[int]] = {}
    for place, signature in zip(labels.record.tolist(), labels.signature.tolist(), strict=True):
        raises.setdefault(place, []).append(signature)
    found = []
    for number, row in enumerate(results):
        for record in range(int(row["count"])):
            place = (offset(int(row["agent"]), RING) + int(row["first"]) + record) % RING
            found += [(number, record, signature) for signature in raises.get(place, ())]
    return made.hits(*found)
