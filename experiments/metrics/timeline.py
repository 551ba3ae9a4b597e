"""Response time over a trial's time: bins by the records' arrival, each with its median, its 99th percentile and its slowest.

A stall shows as a slope: the records that arrived first in it waited longest.
"""

from typing import Final

import msgspec
import numpy as np

from experiments.metrics.observed import Observed, counted, cut, of
from experiments.metrics.quantiles import Quantiles, told, want
from experiments.store.record import TrialRecord
from loadgen.model.ranks import Ranks

#: Bins a trial: fine enough for a stall of a tenth of a second in ten.
BINS: Final = 100


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """The records that arrived in [begin_s, begin_s + length_s), seconds since the load's first instant."""

    begin_s: float
    length_s: float
    response_time_s: Quantiles


def timeline(record: TrialRecord, seen: Observed) -> list[Bin]:
    """The bins of a trial, from the load's begin to its end; bins in which nothing arrived are left out."""
    end_ns = record.window[1] - record.start_mono_ns
    if end_ns <= 0:
        return []
    edges = np.linspace(0, end_ns, BINS + 1)
    arrived, ranks = np.zeros(BINS, np.int64), [Ranks() for _ in range(BINS)]
    for at_mono_ns, records in seen.arrived():
        for number, inside in cut(edges, at_mono_ns - record.start_mono_ns):
            arrived[number] += counted(records, inside)
    for at_mono_ns, response_ns, records in seen.finished():
        for number, inside in cut(edges, at_mono_ns - record.start_mono_ns):
            ranks[number].count(response_ns[inside], of(records, inside))
    unfinished = [int(arrived[number] - one.total) for number, one in enumerate(ranks)]
    for number, one in enumerate(ranks):
        want(one, unfinished[number])
    for at_mono_ns, response_ns, records in seen.finished():
        for number, inside in cut(edges, at_mono_ns - record.start_mono_ns):
            ranks[number].pick(response_ns[inside], of(records, inside))
    return [
        Bin(
            begin_s=float(edges[number]) / 1e9,
            length_s=end_ns / BINS / 1e9,
            response_time_s=told(ranks[number], unfinished[number]),
        )
        for number in np.flatnonzero(arrived).tolist()
    ]
