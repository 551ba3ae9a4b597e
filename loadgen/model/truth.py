"""Truth: the oracle's arithmetic: which planted attacks a batch holds, and whether the detections are those.

Flow: Labels of a ring, batches (agent, first record number, count), detections (batch, record in it, signature) ->
planted, found, missed and spurious counts of each batch.

Invariants: agent a's record r is ring record (offset(a) + r) modulo the ring's size, so a batch's truth follows from
three integers and nothing has to be kept while a trial runs; planted = found + missed in every batch; a detection
counts once, so that the second one of the same pair in a batch is spurious.
Source: D. E. Knuth, "The Art of Computer Programming", vol. 3, section 6.4 (multiplicative spread by the golden ratio).
"""

from __future__ import annotations

import math
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.records.ring import Labels

Integers = NDArray[np.int64]

#: How many odd numbers from the golden section on are looked at: some prime to any size below 10**15 is among them.
CANDIDATES = 64

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@lru_cache(maxsize=64)
def stride(ring_size: int) -> int:
    """Gives the distance between the starts of neighbouring agents: odd, near the golden section, prime to the size.

    Prime to the size, so that the first `ring_size` agents start at different records. Of the odd numbers next to the
    golden section, the one whose ratio to the size is the least like a simple fraction: then any number of agents is
    spread evenly. (The nearest alone won't do: 10,125 / 16,384 is so near 89 / 144 that 500 agents stood in 144 heaps.)

    Raises:
        ValueError: ring_size < 1.
    """
    if ring_size < 1:
        raise ValueError(f"ring_size must be >= 1 record, got {ring_size}")
    nearest = int(ring_size * GOLDEN) | 1
    candidates = range(nearest, nearest + 2 * CANDIDATES, 2)
    return min(
        (step for step in candidates if math.gcd(step, ring_size) == 1), key=lambda step: _quotient(step, ring_size)
    )


def _quotient(step: int, size: int) -> int:
    """The largest partial quotient of step / size as a continued fraction: the golden ratio's are all 1."""
    largest = 0
    while size:
        quotient, rest = divmod(step, size)
        largest = max(largest, quotient)
        step, size = size, rest
    return largest


def offset(agent: int, ring_size: int) -> int:
    """Gives the ring record that is record 0 of this agent, 0 to ring_size - 1."""
    return agent % ring_size * stride(ring_size) % ring_size


class Batches(msgspec.Struct, frozen=True, eq=False):
    """Batches as columns of one length: row i is records first[i] .. first[i] + count[i] - 1 of agent[i]."""

    agent: Integers
    first: Integers
    count: Integers


class Found(msgspec.Struct, frozen=True, eq=False):
    """Detections as columns of one length.

    Attributes:
        row: which of the batches.
        record: which record of that batch, from 0.
        signature: which of the labels' signatures (`Labels.for_pack` numbers them as an engine does).
    """

    row: Integers
    record: Integers
    signature: Integers


class Judgement(msgspec.Struct, frozen=True, eq=False):
    """Counts of each batch, int64, of the batches' length; planted = found + missed.

    Attributes:
        planted: labels in the batch.
        found: labels in the batch that were detected.
        missed: labels in the batch that weren't.
        spurious: detections that are no label of that record, and repeated ones.
        unjudged: detections of signatures about which the truth isn't known (`Labels.judged`): in none of the others.
    """

    planted: Integers
    found: Integers
    missed: Integers
    spurious: Integers
    unjudged: Integers

    def totals(self) -> dict[str, int]:
        """Gives the sums over all batches, by name."""
        return {name: int(getattr(self, name).sum()) for name in self.__struct_fields__}


def starts(batches: Batches, ring_size: int) -> Integers:
    """Gives the ring record of each batch's first record."""
    # Modulo before the product and the sum: record numbers may be anything up to 2**63, products must stay below that.
    spread = batches.agent % ring_size * stride(ring_size) % ring_size
    return (spread + batches.first % ring_size) % ring_size


def expected(labels: Labels, ring_size: int, batches: Batches) -> Integers:
    """Gives the number of labels in each batch; batches longer than the ring go round it.

    Raises:
        ValueError: a count is negative, or a label lies outside the ring.
    """
    _check(labels, ring_size, batches)
    # before[i]: labels in the ring's records 0 .. i - 1. A batch is whole rounds, and a rest that may run over the
    # ring's end.
    before = np.concatenate(([0], np.cumsum(np.bincount(labels.record, minlength=ring_size)))).astype(np.int64)
    begin = starts(batches, ring_size)
    rounds, rest = np.divmod(batches.count, ring_size)
    end = begin + rest
    over = np.maximum(end - ring_size, 0)
    result: Integers = rounds * before[-1] + before[np.minimum(end, ring_size)] - before[begin] + before[over]
    return result


def judge(labels: Labels, ring_size: int, batches: Batches, found: Found) -> Judgement:
    """Gives the counts of each batch.

    Args:
        labels: of the ring that the batches were cut from, in the numbering of `found`.
        ring_size: records in the ring.
        batches: those whose analysis is complete: a batch without any detection is judged too.
        found: the detections in them, in any order.

    Raises:
        ValueError: a detection names a batch or a signature that doesn't exist: the caller mixed up its tables. (A
            record that isn't in the batch is the system's error, and spurious.)
    """
    planted = expected(labels, ring_size, batches)
    rows, kinds = len(planted), len(labels.signatures)
    if len(found.row) == 0:
        nothing = np.zeros(rows, dtype=np.int64)
        return Judgement(planted, nothing, planted, nothing, nothing)
    for name, column, limit in (("row", found.row, rows), ("signature", found.signature, kinds)):
        if column.min() < 0 or column.max() >= limit:
            raise ValueError(
                f"found.{name} must be 0 to {limit - 1}, got {int(column.min())} to {int(column.max())}; "
                "detections and batches must come from the same trial, signatures from Labels.for_pack"
            )
    judged = labels.judged[found.signature]
    unjudged = _count(found.row[~judged], rows)
    row, record, signature = found.row[judged], found.record[judged], found.signature[judged]
    # Sorted, a repeated pair stands beside its first one.
    order = np.lexsort((signature, record, row))
    row, record, signature = row[order], record[order], signature[order]
    repeated = np.zeros(len(row), dtype=np.bool_)
    repeated[1:] = (row[1:] == row[:-1]) & (record[1:] == record[:-1]) & (signature[1:] == signature[:-1])
    inside = (record >= 0) & (record < batches.count[row])
    place = (starts(batches, ring_size)[row] + record % ring_size) % ring_size
    right = inside & ~repeated & np.isin(place * kinds + signature, labels.record * kinds + labels.signature)
    hits = _count(row[right], rows)
    return Judgement(planted, hits, planted - hits, _count(row[~right], rows), unjudged)


def _count(row: Integers, rows: int) -> Integers:
    return np.bincount(row, minlength=rows).astype(np.int64)


def _check(labels: Labels, ring_size: int, batches: Batches) -> None:
    if len(labels.record) and not 0 <= int(labels.record[0]) <= int(labels.record[-1]) < ring_size:
        raise ValueError(
            f"labels name ring records {int(labels.record[0])} to {int(labels.record[-1])}, the ring has {ring_size}; "
            "labels and ring must be of one making"
        )
    if len(batches.count) and int(batches.count.min()) < 0:
        raise ValueError(f"a batch's count must be >= 0 records, got {int(batches.count.min())}")
