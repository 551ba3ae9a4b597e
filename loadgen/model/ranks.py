"""Ranks: exact quantiles of more values than memory holds, by walking over them twice.

The first walk counts values into buckets as HdrHistogram's of three digits, each at most 0.1 % wide: then it is known in
which bucket a rank lies. The second walk keeps the values of those buckets alone, each different one once with its
records. So memory depends on how far apart values are, never on how many there are, and what is told is an observed
value, not a rounded one.

Flow: `count` over all values -> `want` ranks -> `pick` over the same values -> `at` a rank.
Source: the first step of a radix selection (D. E. Knuth, "The Art of Computer Programming", vol. 3, section 5.2.5).
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]

#: What one value, or each of them, stands for: a number of records, or a weight.
Records: TypeAlias = int | float | NDArray[np.int64]

#: Values below 2048 have a bucket each, greater ones share it with those of the same 11 leading bits.
_LEADING_BITS: Final = 10
_SHIFT: Final = 52 - _LEADING_BITS
_OF_ONE: Final = 1023 << _LEADING_BITS
#: Bits of a value's lower half.
_HALF: Final = 24
#: Picked values that are held before equal ones are made one.
_HELD: Final = 1 << 18


class Ranks:
    """Values (int64, below 2**53 from zero) in ascending order, each with its records; rank 1 is the first record's."""

    def __init__(self) -> None:
        #: Records counted, the sum of their values, and the greatest value that has a record.
        self.total: float = 0
        self.sum: float = 0
        self.max: int | None = None
        self._least = 0
        self._counts = np.zeros(0)
        self._wanted = np.zeros(0, np.bool_)
        self._values: list[Integers] = []
        self._records: list[NDArray[np.float64]] = []
        self._held = 0

    def count(self, values: Integers, records: Records = 1) -> None:
        """First walk: some of the values."""
        if isinstance(records, np.ndarray):
            values, records = values[records > 0], records[records > 0]
        if not len(values):
            return
        lowest, greatest = int(values.min()), int(values.max())
        bucket = _bucket(values)
        least, most = _bucket(np.array([lowest, greatest])).tolist()
        self._reach(least, most)
        if isinstance(records, np.ndarray):
            found = np.bincount(bucket - least, weights=records).astype(np.float64)
            self.total += records.sum().item()
            # In two halves: 600 million records that waited 16 s each are more ns than an int64 holds.
            high, low = (int((half * records).sum()) for half in (values >> _HALF, values & (1 << _HALF) - 1))
            self.sum += (high << _HALF) + low
        else:
            found = np.bincount(bucket - least).astype(np.float64) * records
            self.total += len(values) * records
            self.sum += values.sum().item() * records
        self._counts[least - self._least : most + 1 - self._least] += found
        self.max = greatest if self.max is None else max(self.max, greatest)

    def _reach(self, least: int, most: int) -> None:
        if not len(self._counts):
            self._least = least
        before = max(0, self._least - least)
        behind = max(0, most + 1 - self._least - len(self._counts))
        if before or behind:
            self._counts = np.concatenate([np.zeros(before), self._counts, np.zeros(behind)])
            self._least -= before

    def want(self, *ranks: float) -> None:
        """Between the walks: these will be asked for, each above 0 and up to `total`."""
        self._wanted = np.zeros(len(self._counts), np.bool_)
        self._wanted[[self._place(rank) for rank in ranks]] = True

    def pick(self, values: Integers, records: Records = 1) -> None:
        """Second walk: some of the values, in any order, all of those that were counted."""
        bucket = _bucket(values) - self._least
        if isinstance(records, np.ndarray):  # what has no record wasn't counted, and may lie outside of all buckets
            values, bucket, records = values[records > 0], bucket[records > 0], records[records > 0]
        chosen = self._wanted[bucket]
        kept = values[chosen]
        if not len(kept):  # two empty arrays are 240 bytes: 10,000 agents in 100 bins of time would take 240 MB
            return
        self._values.append(kept)
        self._records.append(
            records[chosen].astype(np.float64)
            if isinstance(records, np.ndarray)
            else np.full(len(kept), records, np.float64)
        )
        self._held += len(kept)
        if self._held > _HELD:
            self._merge()

    def _merge(self) -> None:
        values, place = np.unique(np.concatenate(self._values), return_inverse=True)
        records = np.bincount(place, weights=np.concatenate(self._records), minlength=len(values))
        self._records = [records.astype(np.float64)]
        self._values = [values]
        self._held = 0

    def at(self, rank: float) -> int:
        """The smallest value such that at least `rank` records have it or a lesser one; `rank` was wanted."""
        place = self._place(rank)
        if len(self._values) != 1 or self._held:
            self._merge()
        values, records = self._values[0], self._records[0]
        begin, end = np.searchsorted(_bucket(values) - self._least, [place, place + 1])
        upto = self._counts[:place].sum() + np.cumsum(records[begin:end])
        # A running sum of weights that aren't whole may end a bit below the rank: the bucket's last value takes that case.
        return int(values[begin + min(int(np.searchsorted(upto, rank)), int(end - begin) - 1)])

    def _place(self, rank: float) -> int:
        return min(int(np.searchsorted(np.cumsum(self._counts), rank)), int(np.flatnonzero(self._counts)[-1]))

    def buckets(self) -> list[tuple[int, int]]:
        """(smallest value that would lie in it, records), of each bucket that holds any; values not negative."""
        full = np.flatnonzero(self._counts)
        number = full + self._least
        least = np.where(number > 0, (number - 1 + _OF_ONE) << _SHIFT, 0).view(np.float64)
        return list(
            zip(np.ceil(least).astype(np.int64).tolist(), self._counts[full].astype(np.int64).tolist(), strict=True)
        )


def _bucket(values: Integers) -> Integers:
    """Numbers that ascend with the values: 0 for 0, those of negative values negative."""
    # A double's bits, its sign left out, ascend with it: the exponent, then the leading bits behind the first.
    number = np.abs(values).astype(np.float64).view(np.int64)
    number >>= _SHIFT
    number -= _OF_ONE - 1
    np.maximum(number, 0, out=number)
    return number if not len(values) or values.min() >= 0 else np.where(values < 0, -number, number)
