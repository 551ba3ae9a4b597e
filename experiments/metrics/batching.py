"""How a trial's agents batched: predicted from its load alone, and measured from what the swarm says it cut.

A trial's record -> `prediction`, without a look at its tables; record, seed and table of batches -> `measured`. The two
stand beside each other in the report: where they part by more than chance, the swarm, the seeds or the theory are wrong.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from experiments.metrics.schedule import Drawing, fleet
from experiments.store.record import TrialRecord
from loadgen.model.fleet import AgentClass, numbers
from loadgen.model.flush_mix import AgentBatches, FlushMix, observed, predicted

#: Whence the measured figures are.
METHOD: Final = "of the batches that the swarm cut"


def prediction(record: TrialRecord) -> FlushMix | None:
    """What the trial's load makes of BATCH_SIZE and TIMEOUT, by `loadgen.model.flush_mix.predicted`."""
    begin, end = record.window
    return predicted(
        fleet(record.load),
        warmup_s=(begin - record.start_mono_ns) / 1e9,
        measure_s=(end - begin) / 1e9,
        cooldown_s=record.load.horizon_s - (end - record.start_mono_ns) / 1e9,
        sources=record.load.sources,
    )


def measured(record: TrialRecord, batches: np.ndarray) -> FlushMix | None:
    """What the batches were: of those that opened in the window, or under full load were cut in it; None if none were.

    Only for a trial whose schedule is the sealed one: the records' arrivals are drawn again.
    """
    if not record.load.open_loop:
        return _cut(record, batches)
    window = (record.window[0] - record.start_mono_ns, record.window[1] - record.start_mono_ns)
    close_ns = round(record.load.horizon_s * 1e9)
    return observed(list(_agents(record, batches)), window_ns=window, close_ns=close_ns, method=METHOD)


def _agents(record: TrialRecord, batches: np.ndarray) -> Iterator[AgentBatches]:
    drawing = Drawing(record.load, record.seed)
    rows = batches[np.lexsort((batches["first"], batches["agent"]))]
    for one, numbered in zip(fleet(record.load), numbers(fleet(record.load)), strict=True):
        begin, end = np.searchsorted(rows["agent"], [numbered.start, numbered.stop])
        mine = rows[begin:end]
        for own in np.split(mine, np.flatnonzero(np.diff(mine["agent"])) + 1):
            if len(own):
                yield AgentBatches(
                    arrivals_ns=drawing.of(int(own["agent"][0])),
                    first=own["first"],
                    count=own["count"],
                    cut_ns=own["cut_mono_ns"] - record.start_mono_ns,
                    batch_size=one.batch_size,
                    timeout_ns=round(one.timeout_s * 1e9),
                )


def _cut(record: TrialRecord, batches: np.ndarray) -> FlushMix | None:
    """Under full load: whether batches were whole. A record arrives when its batch is cut, so none waits."""
    inside = (batches["cut_mono_ns"] >= record.window[0]) & (batches["cut_mono_ns"] < record.window[1])
    # A backlog is laid down before its window begins, which is the workers'.
    rows = batches if record.load.arrivals["kind"] == "drain" else batches[inside]
    if not len(rows):
        return None
    classes = fleet(record.load)
    sizes = _sizes(classes)[np.minimum(rows["agent"], sum(one.agents for one in classes) - 1)]
    by_size = float((rows["count"] == sizes).mean())
    return FlushMix(
        method=METHOD,
        by_size_ratio=by_size,
        by_timeout_ratio=0.0,
        by_close_ratio=1.0 - by_size,
        records_per_batch=float(rows["count"].mean()),
        batch_wait_mean_s=None,
        batch_wait_p50_s=None,
        batch_wait_p99_s=None,
    )


def _sizes(classes: tuple[AgentClass, ...]) -> np.ndarray:
    """BATCH_SIZE by agent number."""
    return np.repeat([one.batch_size for one in classes], [one.agents for one in classes])
