"""Response times as HDR histograms: one of the whole trial and one a second of arrivals, which can be merged by adding.

Over the records that arrived within the window and finished; those that never did have no time (`unfinished` in summary.json
counts them). Three significant digits: a value read back is at most 0.1 % above the true one. Percentiles of several trials
or seconds can't be averaged: add the histograms and read the percentile off the sum.
Source: G. Tene, HdrHistogram, https://hdrhistogram.github.io/HdrHistogram/
"""

from itertools import pairwise
from typing import Final, NamedTuple

from hdrh.histogram import HdrHistogram

from experiments.metrics.response import timed
from experiments.metrics.walk import Records
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables
from loadgen.model.ranks import Ranks

#: Values are nanoseconds, up to a million seconds.
LOWEST_NS: Final = 1
HIGHEST_NS: Final = 10**15
DIGITS: Final = 3


class Interval(NamedTuple):
    """A histogram of the records that arrived in [begin_s, end_s) since the load's start."""

    begin_s: float
    end_s: float
    histogram: HdrHistogram


def histograms(record: TrialRecord, tables: Tables) -> tuple[Interval, list[Interval]]:
    """Of the whole window, and of each second of it. Not for `drain`, whose records have no response time, and
    only where `schedule.unlike_sealed` has nothing to say."""
    start = record.start_mono_ns
    edges = [*range(record.window[0], record.window[1], 10**9), record.window[1]]
    counted = [Ranks() for _ in pairwise(edges)]
    for piece in Records(record, tables.batches, timed(tables)):
        for second, inside in piece.finished.within(edges):
            counted[second].count(piece.response_ns[inside], piece.finished.of(inside))
    seconds = [
        Interval((begin - start) / 1e9, (end - start) / 1e9, _of(one))
        for (begin, end), one in zip(pairwise(edges), counted, strict=True)
    ]
    whole = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for one in seconds:
        whole.add(one.histogram)
    return Interval((edges[0] - start) / 1e9, (edges[-1] - start) / 1e9, whole), seconds


def _of(counted: Ranks) -> HdrHistogram:
    """A call a bucket instead of one a record: the buckets are the histogram's own."""
    histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for value, count in counted.buckets():
        histogram.record_value(value, count)
    return histogram
