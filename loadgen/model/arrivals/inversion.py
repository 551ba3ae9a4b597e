"""Inversion: arrivals at a rate that changes, out of unit Poisson arrivals and the integral of the rate.

If S1 < S2 < ... are the arrivals of a Poisson process of rate 1 and L(t) is the records expected until t, then the times
at which L reaches S1, S2, ... are a Poisson process of the rate L'(t), exactly: nothing is thinned or rounded to a grid.

Flow: `units` (the S, block by block) -> a process's own inverse, or `Pieces.times_ns` where the rate is constant by
pieces (steps, and the random states of bursts) -> arrival times.

Invariants: running sums add strictly in order and carry from block to block, each time is computed from its own S
alone, and only additions, products, quotients and roots are used: neither the block size nor the processor changes a
bit.
Source: E. Cinlar, "Introduction to Stochastic Processes" (1975), ch. 4.7.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.exponential import exponential
from loadgen.model.arrivals.process import END_NS, NS_PER_S, Times
from loadgen.model.draws import Draws

Floats = NDArray[np.float64]


class Stretch(NamedTuple):
    """Consecutive pieces of a rate: how long each lasts (ns, > 0; the last may be infinite), and its records a second."""

    lengths_ns: Floats
    rates_per_s: Floats


def units(draws: Draws, block: int) -> Iterator[Floats]:
    """Gives the arrivals of an endless Poisson process of rate 1, `block` at a time; each array is the caller's."""
    carry = 0.0
    while True:
        sums = np.empty(block + 1)
        sums[0] = carry
        sums[1:] = exponential(draws.words(block))
        np.cumsum(sums, out=sums)
        carry = float(sums[-1])
        yield sums[1:]


class Pieces:
    """A rate that is constant by pieces, followed along its stretches as far as it is asked for.

    Args:
        stretches: the pieces in order; if they end, the last one's length must be infinite.
        until_ns: nobody asks what comes after it: those times are given as END_NS, and their pieces not drawn.
    """

    __slots__ = ("_expected", "_per_ns", "_starts_ns", "_stretches", "_until_ns")

    def __init__(self, stretches: Iterator[Stretch], until_ns: int = END_NS) -> None:
        self._stretches = stretches
        self._until_ns = until_ns
        self._starts_ns = np.zeros(1)  # where pieces begin, and the end of the last one
        self._expected = np.zeros(1)  # records expected until each of these
        self._per_ns = np.empty(0)

    def times_ns(self, at: Floats) -> Times:
        """Gives the times at which the records expected reach `at`, which is sorted and not below that of earlier calls.

        Where they never do, as after the last piece if its rate is 0: END_NS.
        """
        while not len(self._per_ns) or (self._expected[-1] <= at[-1] and self._starts_ns[-1] < self._until_ns):
            self._extend(next(self._stretches))
        piece = np.searchsorted(self._expected, at, "right") - 1
        ended = piece >= len(self._per_ns)
        piece = np.minimum(piece, len(self._per_ns) - 1)
        per_ns = self._per_ns[piece]
        # A piece of rate 0 holds no `at` but where it is the last: its quotient is replaced below.
        ended |= per_ns == 0.0
        since_ns = (at - self._expected[piece]) / np.where(ended, 1.0, per_ns)
        # A quotient that rounds up may not pass the piece's end, where the next one's times begin.
        times_ns = np.minimum(self._starts_ns[piece] + since_ns, self._starts_ns[piece + 1])
        times_ns[ended] = END_NS
        self._forget(int(piece[-1]))
        return np.minimum(times_ns, END_NS).astype(np.int64)

    def _extend(self, stretch: Stretch) -> None:
        per_ns = stretch.rates_per_s / NS_PER_S
        # Infinity times 0 is none: the last piece of a rate that ends expects nothing more.
        expected = np.where(per_ns == 0.0, 0.0, stretch.lengths_ns) * per_ns
        self._starts_ns = _summed(self._starts_ns, stretch.lengths_ns)
        self._expected = _summed(self._expected, expected)
        self._per_ns = np.concatenate([self._per_ns, per_ns])

    def _forget(self, pieces: int) -> None:
        """Drops what lies before all later times, so that memory doesn't grow with the horizon."""
        self._starts_ns = self._starts_ns[pieces:]
        self._expected = self._expected[pieces:]
        self._per_ns = self._per_ns[pieces:]


def _summed(sums: Floats, more: Floats) -> Floats:
    """Gives running sums continued: added strictly in order from the last one on."""
    return np.concatenate([sums[:-1], np.cumsum(np.concatenate([sums[-1:], more]))])
