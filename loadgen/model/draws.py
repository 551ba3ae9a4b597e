"""Draws: seeded random values made from raw generator words by our own transforms.

Flow: (seed, purpose) -> a 128-bit key -> Philox words -> floats, integers, choices, log-normals. The ring of rendered
records is made of these draws, so that one seed gives the same bytes on every machine and with every numpy.

Invariants: only `random_raw` of the bit generator is used, because the distributions of `numpy.random.Generator` may
change their streams between releases; two purposes of one seed share no word, so adding a draw to one never moves
another.
Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011
(Philox); G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates", Ann. Math. Stat. 29
(1958).
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike, NDArray

T = TypeVar("T")

#: Words drawn at a time. A call of `random_raw` costs some microseconds: spread over 1,024 words that is nothing.
BLOCK_WORDS = 1024

#: 2**-53: a double holds 53 bits, so the upper 53 bits of a word times this is every double of the grid in [0, 1).
UNIT = 2.0**-53


class Weighted(NamedTuple, Generic[T]):
    """Items with the running sum of their weights: made once by `weigh`, drawn from often."""

    items: tuple[T, ...]
    cumulative: tuple[float, ...]


def weigh(pairs: Sequence[tuple[T, float]]) -> Weighted[T]:
    """Gives the items ready for `Draws.weighted`.

    Args:
        pairs: (item, weight); weights are shares of their own sum, each >= 0, the sum > 0.

    Raises:
        ValueError: a weight is negative or not finite, or all are 0.
    """
    for item, weight in pairs:
        if not (math.isfinite(weight) and weight >= 0.0):
            raise ValueError(f"the weight of {item!r} must be a finite number >= 0, got {weight}")
    kept = [(item, weight) for item, weight in pairs if weight > 0.0]
    if not kept:
        raise ValueError(f"at least one weight must be > 0, got {[weight for _, weight in pairs]}")
    return Weighted(tuple(item for item, _ in kept), tuple(accumulate(weight for _, weight in kept)))


class _Key(ISeedSequence):
    """A seed sequence that gives Philox the 16 bytes of a key.

    `Philox(key=...)` gives the same words (a test compares them) and takes three times as long, for it first seeds
    itself from the machine's entropy: 27 us against 10, which a hundred thousand agents notice.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint64) -> NDArray[np.uint64]:
        """The key, as two little-endian words."""
        return np.frombuffer(self._key, "<u8")[:n_words].astype(dtype)


class Draws:
    """A stream of random values for one purpose.

    Args:
        seed: any integer.
        purpose: what the stream is for, e.g. `Draws(7, "records", "web")`. Each different purpose is another stream.
    """

    __slots__ = ("_bits", "_units")

    def __init__(self, seed: int, *purpose: int | str) -> None:
        # repr tells 1 from "1" and quotes the strings, so that no two purposes have one text.
        text = repr((int(seed), *purpose)).encode()
        # Philox takes the key as it is. The alternative, SeedSequence, would be one more library algorithm to trust.
        key = hashlib.blake2b(text, digest_size=16, person=b"caudal draws").digest()
        self._bits = np.random.Philox(_Key(key))  # type: ignore[arg-type]
        self._units: list[float] = []

    def words(self, count: int) -> NDArray[np.uint64]:
        """Gives `count` fresh 64-bit words, for vectorised use: those after the block that the scalars draw from."""
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def uniform(self) -> float:
        """Gives a float in [0, 1), on the grid of 2**-53."""
        if not self._units:
            # Reversed, so that pop() gives the words in the order in which they were drawn.
            self._units = ((self.words(BLOCK_WORDS) >> np.uint64(11)) * UNIT)[::-1].tolist()
        return self._units.pop()

    def below(self, limit: int) -> int:
        """Gives an integer in [0, limit), for 1 <= limit <= 2**53.

        The largest uniform is 1 - 2**-53, whose product with a limit of that range rounds below the limit. The bias
        is at most limit / 2**53: nothing for the thousands that are drawn from here.
        """
        return int(self.uniform() * limit)

    def between(self, low: int, high: int) -> int:
        """Gives an integer in [low, high], both ends included."""
        return low + int(self.uniform() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Gives True with this probability."""
        return self.uniform() < probability

    def choice(self, items: Sequence[T]) -> T:
        """Gives one of the items, each as likely as another."""
        return items[int(self.uniform() * len(items))]

    def weighted(self, items: Weighted[T]) -> T:
        """Gives one of the items in proportion to its weight."""
        cumulative = items.cumulative
        # u < 1, but u * sum may round up to the sum itself: the last item takes that case.
        place = bisect_right(cumulative, self.uniform() * cumulative[-1])
        return items.items[min(place, len(cumulative) - 1)]

    def normal(self) -> float:
        """Gives a standard normal value (Box and Muller; the second of the pair is left, two words a value).

        `math`, not numpy: numpy's vectorised logarithm differs in the last bit from one processor to another. One C
        library and another may differ in the last bit too, but what is made of a value here is rounded to a whole
        number of bytes, which such a bit changes once in some 10**12 draws; a ring's fingerprint would show it.
        """
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def log_normal(self, mu: float, sigma: float) -> float:
        """Gives exp(mu + sigma * normal): median exp(mu), mean exp(mu + sigma**2 / 2)."""
        return math.exp(mu + sigma * self.normal())

    def order(self, count: int) -> NDArray[np.int64]:
        """Gives a random order of 0 .. count-1: the places that sort `count` words (stable, so ties have an answer)."""
        return np.argsort(self.words(count), kind="stable").astype(np.int64)
