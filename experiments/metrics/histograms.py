"""Response times as HDR histograms: one of the whole trial and one a second of arrivals, which can be merged by adding.

Over the records that arrived within the window and finished; those that never did have no time (`unfinished` in summary.json
counts them). Three significant digits: a value read back is at most 0.1 % above the true one. Percentiles of several trials
or seconds can't be averaged: add the histograms and read the percentile off the sum.
Source: G. Tene, HdrHistogram, https://hdrhistogram.github.io/HdrHistogram/
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from hdrh.histogram import HdrHistogram

from experiments.metrics.response import arrivals, join
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables

#: Values are nanoseconds, up to a million seconds.
LOWEST_NS: Final = 1
HIGHEST_NS: Final = 10**15
DIGITS: Final = 3
#: Values below 2048 are kept as they are, above that their 11 leading bits: what three digits take.
_EXACT_BITS: Final = 11


class Interval(NamedTuple):
    """A histogram of the records that arrived in [begin_s, end_s) since the load's start."""

    begin_s: float
    end_s: float
    histogram: HdrHistogram


def histograms(record: TrialRecord, tables: Tables) -> tuple[Interval, list[Interval]]:
    """Of the whole window, and of each second of it. Not for `drain`, whose records have no response time, and
    only where `schedule.unlike_sealed` has nothing to say."""
    arrived, response_ns, weight = _responses(record, tables)
    start = record.start_mono_ns
    edges = [*range(record.window[0], record.window[1], 10**9), record.window[1]]
    place = np.searchsorted(edges, arrived, side="right") - 1
    seconds = []
    for second, (begin, end) in enumerate(pairwise(edges)):
        mine = place == second
        seconds.append(Interval((begin - start) / 1e9, (end - start) / 1e9, _of(response_ns[mine], weight[mine])))
    whole = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for one in seconds:
        whole.add(one.histogram)
    return Interval((edges[0] - start) / 1e9, (edges[-1] - start) / 1e9, whole), seconds


def _responses(record: TrialRecord, tables: Tables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrival, response time and number of records, for those whose commit instant is known."""
    done = join(tables.batches, tables.results)
    if record.load.open_loop:
        arrived, owner = arrivals(record.load, record.seed, record.start_mono_ns, done)
        weight = np.ones(len(owner), np.int64)
    else:
        arrived, owner, weight = done["cut_mono_ns"], np.arange(len(done)), done["count"]
    committed = done["committed_mono_ns"][owner]
    kept = (committed > 0) & (arrived >= record.window[0]) & (arrived < record.window[1])
    return arrived[kept], (committed - arrived)[kept], weight[kept]


def _of(value_ns: np.ndarray, weight: np.ndarray) -> HdrHistogram:
    """The values are brought to their buckets first: a call a bucket instead of one a record."""
    histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    if len(value_ns):
        bits = np.frexp(value_ns.astype(np.float64))[1]
        shift = np.maximum(bits - _EXACT_BITS, 0)
        bucket, place = np.unique((value_ns >> shift) << shift, return_inverse=True)
        counts = np.bincount(place, weights=weight).astype(np.int64)
        for value, count in zip(bucket.tolist(), counts.tolist(), strict=True):
            histogram.record_value(value, count)
    return histogram
