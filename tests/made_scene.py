"""The self-test's scenes as a perfect instrument would have seen them: a simulated system, no process, no clock.

Service times, schedule and stall are the scene's own; what Celery and the wire add is drawn from a seed, in the sizes that
were measured.
"""

import heapq
from functools import cache
from typing import Any

import msgspec
import numpy as np

from experiments.metrics.schedule import redrawn
from experiments.running.load import load_of
from experiments.selftest.scenes import SCENES
from experiments.selftest.seen import Seen
from experiments.store.tables import BATCHES, HITS, PROBES, RESULTS, Tables
from system.engine.service_time import service_times_s
from tests import made

START = 4_000_000_000
#: Means of what the system adds, in s: cut to published, published to started, fetch, beside the wait in a scan, commit,
#: and from a commit to the next start.
PUBLISH, DISPATCH, FETCH, LOCATE, COMMIT, TURNAROUND = 0.0015, 0.0025, 0.0004, 0.00008, 0.0006, 0.002
STALL_AT_S = 3.0


@cache
def seen(name: str, *, measure_s: float | None = None) -> Seen:
    """A scene as played in `measure_s` seconds, as long as with --quick unless told."""
    scene = SCENES[name]._replace(quick_s=measure_s or SCENES[name].quick_s)
    trial = scene.trial(0, quick=True, seed=7)
    config = trial.config
    load = load_of(config.swarm, config.trial)
    draws = np.random.Generator(np.random.PCG64(5))
    stall = (STALL_AT_S, STALL_AT_S + 1.0002) if scene.faults else (np.inf, np.inf)
    faults = [{"kind": "stall", "done": {f"{end}_mono_ns": _mono_ns(at) for end, at in zip(("begin", "end"), stall)}}]  # noqa: B905
    open_loop = load.open_loop
    if open_loop:
        plan = redrawn(load, trial.seed)
        load = msgspec.structs.replace(load, fingerprint=plan.fingerprint())
        names = {"agent": plan.agent, "first": plan.first, "count": plan.count}
        batches = np.zeros(len(plan.count), BATCHES)
        cuts = plan.time_ns / 1e9
    else:
        batches, cuts, names = np.zeros(4000, BATCHES), np.zeros(4000), {}
        names["agent"] = np.arange(4000) % load.agents
        names["first"] = np.arange(4000) // load.agents * load.batch_size
        names["count"] = np.full(4000, load.batch_size)
    for column, values in names.items():
        batches[column] = values
    services = service_times_s(config.system.emulated, batches["agent"], batches["first"], batches["count"])
    free = [(-np.inf, 100 + child) for child in range(scene.children)]
    rows = np.zeros(len(batches), RESULTS)
    commits: list[float] = []
    window = load.arrivals.get("window_batches", 0)
    used = 0
    for place in range(len(batches)):
        if not open_loop:
            cuts[place] = 0.0 if place < window else commits[place - window] + 0.001
            if cuts[place] > load.horizon_s:
                break
        published = cuts[place] + PUBLISH * draws.uniform(0.8, 1.2)
        at, child = heapq.heappop(free)
        start = max(published + DISPATCH * draws.uniform(0.8, 1.2), at + TURNAROUND * draws.uniform(0.8, 1.2))
        start = _held(start, stall)
        fetched = start + FETCH * draws.uniform(0.8, 1.2)
        scanned = _held(fetched + services[place] + LOCATE * draws.uniform(0.9, 1.1) + draws.exponential(1e-5), stall)
        committed = scanned + COMMIT * draws.uniform(0.8, 1.2)
        heapq.heappush(free, (committed, child))
        instants = (published - 1e-4, published, start, fetched, scanned, committed)
        for column, instant in zip(("received", "published", "started", "fetched", "scanned", "committed"), instants,
                                   strict=True):  # fmt: skip
            rows[f"{column}_mono_ns"][place] = _mono_ns(instant)
        rows["writer"][place] = child
        commits.append(committed)
        used += 1
    batches, rows = batches[:used], rows[:used]
    for column in ("agent", "first", "count"):
        rows[column] = batches[column]
    rows["own"] = rows["analysed"] = True
    rows["attempt"] = 1
    rows["records"] = rows["count"]
    rows["packed_bytes"] = 250 * rows["count"]
    batches["cut_mono_ns"] = START + (plan.time_ns if open_loop else np.round(cuts[:used] * 1e9).astype(np.int64))
    batches["sent_mono_ns"] = batches["cut_mono_ns"] + 100_000
    batches["acked_mono_ns"] = rows["published_mono_ns"] + 500_000
    begin_s = config.trial.warmup_s
    end_s = begin_s + config.trial.measure_s
    record = made.record(
        cell={"scene": name},
        seed=trial.seed,
        load=load,
        config=msgspec.to_builtins(config),
        start_mono_ns=START,
        window=(_mono_ns(begin_s), _mono_ns(end_s)),
        planned=int(batches["count"].sum()),
        recorded_rows=used,
        counters={"batches_analysed": used, "queued": 0, "pending": 0},
        swarm={"bad_acks": 0, "reconnects": 0},
        faults=faults if scene.faults else [],
        target={"worker_concurrency": scene.children},
    )
    return Seen(record, Tables(batches, rows, np.empty(0, HITS), _probes(rows, begin_s, end_s, draws)))


def _probes(rows: np.ndarray, begin_s: float, end_s: float, draws: np.random.Generator) -> np.ndarray:
    """What the probe of the journal reads, at a random instant in each 50 ms."""
    at = np.arange(begin_s, end_s, 0.05) + draws.uniform(0, 0.05, len(np.arange(begin_s, end_s, 0.05)))
    mono = START + np.round(at * 1e9).astype(np.int64)
    begun = np.searchsorted(np.sort(rows["published_mono_ns"] + 300_000), mono, side="right")
    ended = np.searchsorted(np.sort(rows["committed_mono_ns"] - 300_000), mono, side="right")
    table = np.zeros(len(at), PROBES)
    table["at_mono_ns"], table["value"] = mono, begun - ended
    table["probe"], table["part"], table["figure"] = "queue", "broker", "pending_batches"
    return table


def _mono_ns(instant_s: float) -> int:
    return START + round(instant_s * 1e9) if np.isfinite(instant_s) else 2**62


def _held(instant: float, stall: tuple[float, float]) -> float:
    return stall[1] if stall[0] <= instant < stall[1] else instant


def with_record(one: Seen, **changes: Any) -> Seen:
    """The same with some fields of the record changed."""
    return Seen(msgspec.structs.replace(one.record, **changes), one.tables)


def with_config(one: Seen, table: str, **changes: Any) -> Seen:
    """The same with some keys of a table of `[system]` changed in the sealed config."""
    system = one.record.config["system"]
    config = {**one.record.config, "system": {**system, table: {**system[table], **changes}}}
    return with_record(one, config=config)


def with_rows(one: Seen, rows: np.ndarray) -> Seen:
    """The same with other result rows."""
    return Seen(one.record, one.tables._replace(results=rows))
