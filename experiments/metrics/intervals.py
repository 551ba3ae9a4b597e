"""Sets of records as half-open intervals, so that a trial of any length is accounted for without touching a record.

A record is (agent, number) and lies at `agent * 2**40 + number` on one line of 64-bit integers. Normal form: sorted,
disjoint, no interval empty.
"""

from typing import Final, NamedTuple

import numpy as np

_AGENT_SHIFT: Final = 40
_MOST_AGENT: Final = 2**22


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

    Raises: ValueError if an agent or record number is beyond what the line can hold.
    """
    if len(agent) and (int(agent.max()) >= _MOST_AGENT or int((first + count).max()) >= 1 << _AGENT_SHIFT):
        raise ValueError(f"agent numbers end at {_MOST_AGENT - 1} and record numbers at {(1 << _AGENT_SHIFT) - 1}")
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


def _where(pieces: tuple[np.ndarray, np.ndarray], wanted) -> Spans:  # type: ignore[no-untyped-def]
    points, depth = pieces
    if not len(points):
        return Spans(points, points)
    keep = wanted(depth)
    edges = np.diff(np.concatenate(([0], keep.astype(np.int8), [0])))
    return Spans(points[edges[:-1] == 1], points[np.flatnonzero(edges == -1)])
