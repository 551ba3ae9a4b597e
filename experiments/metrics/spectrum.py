"""The percentile spectrum of a trial's response time: from the median to the last share that its sample bears.

A quantile of which fewer than 20 records lie above would be a few outliers' mood: the rule by which p99 wants 2,000 records
and p99.9 wants 20,000 (quantiles.py) goes on outwards.
"""

from typing import Final

import numpy as np

from experiments.metrics.walk import Piece
from loadgen.model.ranks import Ranks

#: Fewest records above a quantile.
LEAST_ABOVE: Final = 20

#: Shares of the records, denser towards the tail, where the distance to 1 is what counts.
SHARES: Final = (
    0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998,
    0.9999, 0.99995, 0.99998, 0.99999,
)  # fmt: skip


class Spectrum:
    """A tally of those that arrived in the window; those that never finished count as slowest."""

    def __init__(self, window: tuple[int, int]) -> None:
        self._window, self._ranks, self._borne = window, Ranks(), dict[float, int]()
        #: How many records arrived.
        self.records = 0

    def count(self, piece: Piece) -> None:
        self.records += sum(piece.arrived.counted(inside) for _, inside in piece.arrived.within(self._window))
        for _, inside in piece.finished.within(self._window):
            self._ranks.count(piece.response_ns[inside], piece.finished.of(inside))

    def want(self) -> None:
        self._borne = {
            share: rank
            for share in SHARES
            if 0 < (rank := int(np.ceil(share * self.records))) <= self._ranks.total
            and (share <= 0.5 or self.records * (1.0 - share) >= LEAST_ABOVE - 1e-6)
        }
        self._ranks.want(*self._borne.values())

    def pick(self, piece: Piece) -> None:
        for _, inside in piece.finished.within(self._window):
            self._ranks.pick(piece.response_ns[inside], piece.finished.of(inside))

    def shares(self) -> dict[float, float]:
        """share -> seconds; a share that the sample doesn't bear, or that falls among the unfinished, is left out."""
        return {share: self._ranks.at(rank) / 1e9 for share, rank in self._borne.items()}
