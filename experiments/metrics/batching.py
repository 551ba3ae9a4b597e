"""How a trial's agents batched: predicted from its load alone, and measured from what the swarm says it cut.

A trial's record -> `prediction`, without a look at its tables; a walk over its records -> `Measured`. The two
stand beside each other in the report: where they part by more than chance, the swarm, the seeds or the theory are wrong.
"""

from bisect import bisect_right
from typing import Final

import numpy as np

from experiments.metrics.schedule import fleet
from experiments.metrics.walk import Piece, Records
from experiments.store.record import TrialRecord
from loadgen.model.fleet import AgentClass, numbers
from loadgen.model.flush_mix import AgentBatches, FlushMix, Waits, predicted

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


class Measured:
    """What the batches were, a tally: of those that opened in the window, or under full load were cut in it.

    Only for a trial whose schedule is the sealed one.
    """

    def __init__(self, record: TrialRecord, records: Records) -> None:
        self._record, self._records = record, records
        self._begins, agents = [], []
        if record.load.open_loop:
            classes = fleet(record.load)
            ends = [numbered.stop for numbered in numbers(classes)]
            for agent, mine in records.agents():
                self._begins.append(mine.start)
                agents.append(_agent(records, mine, classes[bisect_right(ends, agent)]))
        close_ns = record.start_mono_ns + round(record.load.horizon_s * 1e9)
        self._waits = Waits(agents, window_ns=record.window, close_ns=close_ns)

    def count(self, piece: Piece) -> None:
        if self._record.load.open_loop and len(piece.arrived.batch):
            self._waits.count(*self._place(piece))

    def want(self) -> None:
        self._waits.want()

    def pick(self, piece: Piece) -> None:
        if self._record.load.open_loop and len(piece.arrived.batch):
            self._waits.pick(*self._place(piece))

    def _place(self, piece: Piece) -> tuple[int, np.ndarray, np.ndarray]:
        place = bisect_right(self._begins, piece.arrived.batch[0]) - 1
        return place, piece.arrived.arrived, piece.arrived.batch - self._begins[place]

    def mix(self) -> FlushMix | None:
        """None if there were no such batches."""
        return self._waits.mix(METHOD) if self._record.load.open_loop else _cut(self._record, self._records)


def _agent(records: Records, mine: slice, one: AgentClass) -> AgentBatches:
    return AgentBatches(
        arrivals_ns=(),
        first=records.first[mine],
        count=records.count[mine],
        cut_ns=records.cut_mono_ns[mine],
        batch_size=one.batch_size,
        timeout_ns=round(one.timeout_s * 1e9),
    )


def _cut(record: TrialRecord, records: Records) -> FlushMix | None:
    """Under full load: whether batches were whole. A record arrives when its batch is cut, so none waits."""
    inside = (records.cut_mono_ns >= record.window[0]) & (records.cut_mono_ns < record.window[1])
    # A backlog is laid down before its window begins, which is the workers'.
    rows = slice(None) if record.load.arrivals["kind"] == "drain" else inside
    count = records.count[rows]
    if not len(count):
        return None
    classes = fleet(record.load)
    sizes = _sizes(classes)[np.minimum(records.agent[rows], sum(one.agents for one in classes) - 1)]
    by_size = float((count == sizes).mean())
    return FlushMix(
        method=METHOD,
        by_size_ratio=by_size,
        by_timeout_ratio=0.0,
        by_close_ratio=1.0 - by_size,
        records_per_batch=float(count.mean()),
        batch_wait_mean_s=None,
        batch_wait_p50_s=None,
        batch_wait_p99_s=None,
    )


def _sizes(classes: tuple[AgentClass, ...]) -> np.ndarray:
    """BATCH_SIZE by agent number."""
    return np.repeat([one.batch_size for one in classes], [one.agents for one in classes])
