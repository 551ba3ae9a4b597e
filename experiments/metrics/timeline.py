"""Response time over a trial's time: bins by the records' arrival, each with its median, its 99th percentile and its slowest.

A stall shows as a slope: the records that arrived first in it waited longest.
"""

from typing import Final

import msgspec
import numpy as np

from experiments.metrics.observed import Observed
from experiments.metrics.quantiles import Quantiles, quantiles
from experiments.store.record import TrialRecord

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
    place = np.searchsorted(edges, seen.arrived_mono_ns - record.start_mono_ns, side="right") - 1
    everything = np.searchsorted(edges, seen.all_arrived_mono_ns - record.start_mono_ns, side="right") - 1
    inside = (everything >= 0) & (everything < BINS)
    arrived = np.bincount(everything[inside], weights=seen.all_records[inside], minlength=BINS).astype(np.int64)
    found = []
    for number in np.flatnonzero(arrived).tolist():
        mine = place == number
        records = seen.records[mine]
        found.append(
            Bin(
                begin_s=float(edges[number]) / 1e9,
                length_s=end_ns / BINS / 1e9,
                response_time_s=quantiles(seen.response_ns[mine], records, int(arrived[number] - records.sum())),
            )
        )
    return found
