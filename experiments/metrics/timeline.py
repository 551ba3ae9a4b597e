"""Response time over a trial's time: bins by the records' arrival, each with its median, its 99th percentile and its slowest.

A stall shows as a slope: the records that arrived first in it waited longest.
"""

from typing import Final

import msgspec
import numpy as np

from experiments.metrics.quantiles import Quantiles, told, want
from experiments.metrics.walk import Piece
from experiments.store.record import TrialRecord
from loadgen.model.ranks import Ranks

#: Bins a trial: fine enough for a stall of a tenth of a second in ten.
BINS: Final = 100


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """The records that arrived in [begin_s, begin_s + length_s), seconds since the load's first instant."""

    begin_s: float
    length_s: float
    response_time_s: Quantiles


class Timeline:
    """A tally of a trial's bins, from the load's begin to its end."""

    def __init__(self, record: TrialRecord) -> None:
        self._length_ns = max(0, record.window[1] - record.start_mono_ns)
        self._edges_ns = np.linspace(0, self._length_ns, BINS + 1)
        # Arrivals are whole nanoseconds: an edge between two of them parts as the next one does.
        self._edges_mono_ns = record.start_mono_ns + np.ceil(self._edges_ns).astype(np.int64)
        self._arrived, self._ranks = np.zeros(BINS, np.int64), [Ranks() for _ in range(BINS)]

    def count(self, piece: Piece) -> None:
        for number, inside in piece.arrived.within(self._edges_mono_ns):
            self._arrived[number] += piece.arrived.counted(inside)
        for number, inside in piece.finished.within(self._edges_mono_ns):
            self._ranks[number].count(piece.response_ns[inside], piece.finished.of(inside))

    def want(self) -> None:
        for number, one in enumerate(self._ranks):
            want(one, self._unfinished(number))

    def pick(self, piece: Piece) -> None:
        for number, inside in piece.finished.within(self._edges_mono_ns):
            self._ranks[number].pick(piece.response_ns[inside], piece.finished.of(inside))

    def _unfinished(self, number: int) -> int:
        return int(self._arrived[number] - self._ranks[number].total)

    def bins(self) -> list[Bin]:
        """Those in which something arrived."""
        return [
            Bin(
                begin_s=float(self._edges_ns[number]) / 1e9,
                length_s=self._length_ns / BINS / 1e9,
                response_time_s=told(self._ranks[number], self._unfinished(number)),
            )
            for number in np.flatnonzero(self._arrived).tolist()
        ]
