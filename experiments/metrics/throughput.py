"""What was carried: records by the instant of their commit, the last stage."""

from typing import NamedTuple

import numpy as np

from experiments.metrics.response import Done
from experiments.metrics.schedule import fleet
from experiments.stats.steady import bin_count
from experiments.store.record import TrialRecord


class Carried(NamedTuple):
    """What was committed in an interval."""

    records: int
    batches: int
    packed_bytes: int

    @classmethod
    def of(cls, timed: Done, begin_mono_ns: int, end_mono_ns: int) -> "Carried":
        """Of the batches whose commit instants are known, in [begin, end)."""
        inside = (timed["committed_mono_ns"] >= begin_mono_ns) & (timed["committed_mono_ns"] < end_mono_ns)
        return cls(
            records=int(timed["count"][inside].sum()),
            batches=int(inside.sum()),
            packed_bytes=int(timed["packed_bytes"][inside].sum()),
        )


def committed_a_bin(timed: Done, window: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Records committed in each bin of the window (stats/steady.py), and the window's length in s."""
    begin, end = window
    bins = bin_count((end - begin) / 1e9)
    at = timed["committed_mono_ns"] - begin
    inside = (at >= 0) & (at < end - begin)
    # By the bins' edges, and not by a product: nanoseconds times bins overflow 64 bits in a third of a day.
    edges = np.array([-(-place * (end - begin) // bins) for place in range(1, bins)], dtype=np.int64)
    place = np.searchsorted(edges, at[inside], side="right")
    return np.bincount(place, weights=timed["count"][inside], minlength=bins), (end - begin) / 1e9


def is_due(record: TrialRecord, outcome: str) -> bool:
    """Whether what is carried should be steady: the load is, nothing went wrong on purpose, and the system held up.

    A queue that grows without end is the outcome `overloaded`, and what the system then carries is its own affair.
    """
    offered = all(one.arrivals.is_steady for one in fleet(record.load))
    undisturbed = not record.faults and outcome in ("ok", "lossy")
    return offered and undisturbed and record.window[1] > record.window[0]
