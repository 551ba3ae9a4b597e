"""Sets of records as half-open intervals, so that a trial of any length is accounted for without touching a record.

A record is (agent, number) and lies at `agent * 2**40 + number` on one line of 64-bit integers. Normal form: sorted,
disjoint, no interval empty.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

_AGENT_SHIFT: Final = 40
_MOST_AGENT: Final = 2**22
_MOST_RECORD: Final = 2**40


class Spans(NamedTuple):
    """Intervals [start, end) on the line: two int64 arrays of one length."""

    start: np.ndarray
    end: np.ndarray

    @property
    def total(self) -> int:
        """The sum of the lengths; the size of the set if the form is normal."""
        return int((self.end - self.start).sum())


def spans(agent: np.ndarray, first: np.ndarray, count: np.ndarray) -> Spans:
    """The intervals of batches, as given: not in normal form.

    Raises: ValueError if a number is negative, or an agent or record number beyond what the line can hold.
    """
    for name, column, limit in (
        ("agent", agent, _MOST_AGENT),
        ("first", first, _MOST_RECORD),
        ("count", count, _MOST_RECORD),
    ):
        # Each alone before any sum: a sum of two great numbers turns negative and would pass.
        if len(column) and not 0 <= int(column.min()) <= int(column.max()) < limit:
            raise ValueError(f"{name} must be 0 to {limit - 1}, got {int(column.min())} to {int(column.max())}")
    if len(first) and int((first.astype(np.int64) + count.astype(np.int64)).max()) > _MOST_RECORD:
        raise ValueError(f"record numbers end at {_MOST_RECORD - 1}, got a batch that goes beyond")
    start = (agent.astype(np.int64) << _AGENT_SHIFT) + first.astype(np.int64)
    return Spans(start, start + count.astype(np.int64))


def normal(some: Spans) -> Spans:
    """The same set in normal form."""
    return _where(_depth([some]), lambda depth: depth[0] > 0)


def intersect(one: Spans, other: Spans) -> Spans:
    """What is in both. Normal form in and out."""
    return _where(_depth([one, other]), lambda depth: (depth[0] > 0) & (depth[1] > 0))


def subtract(one: Spans, other: Spans) -> Spans:
    """What is in `one` and not in `other`. Normal form in and out."""
    return _where(_depth([one, other]), lambda depth: (depth[0] > 0) & (depth[1] == 0))


def _depth(sets: list[Spans]) -> tuple[np.ndarray, np.ndarray]:
    """The line's sorted breakpoints, and how deep each set covers the piece after each of them."""
    points = np.unique(np.concatenate([edge for one in sets for edge in one]).astype(np.int64))
    depth = np.zeros((len(sets), len(points)), dtype=np.int64)
    for row, one in zip(depth, sets, strict=True):
        np.add.at(row, np.searchsorted(points, one.start), 1)
        np.subtract.at(row, np.searchsorted(points, one.end), 1)
    return points, depth.cumsum(axis=1)


def _where(pieces: tuple[np.ndarray, np.ndarray], wanted: Callable[[np.ndarray], np.ndarray]) -> Spans:
    points, depth = pieces
    if not len(points):
        return Spans(points, points)
    keep = wanted(depth)
    edges = np.diff(np.concatenate(([0], keep.astype(np.int8), [0])))
    return Spans(points[edges[:-1] == 1], points[np.flatnonzero(edges == -1)])
