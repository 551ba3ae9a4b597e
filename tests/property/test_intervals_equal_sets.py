"""Interval arithmetic equals the arithmetic of plain sets of integers, on random intervals that overlap and touch."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.metrics.intervals import Spans, intersect, normal, subtract

thorough = settings(max_examples=300, deadline=None, derandomize=True, database=None)

#: Few places: touching, nested and equal intervals are then the rule.
INTERVALS = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 8)), max_size=12)


def spans_of(intervals: list[tuple[int, int]], at: int) -> Spans:
    start = np.array([at + first for first, _ in intervals], np.int64)
    return Spans(start, start + np.array([count for _, count in intervals], np.int64))


def members(intervals: list[tuple[int, int]], at: int) -> set[int]:
    return {at + first + place for first, count in intervals for place in range(count)}


def assert_is(some: Spans, expected: set[int]) -> None:
    found = [number for start, end in zip(*some, strict=True) for number in range(start, end)]
    assert set(found) == expected
    assert len(found) == some.total == len(expected)
    # Normal form: not empty, sorted, with a hole between any two.
    assert (some.start < some.end).all()
    assert (some.end[:-1] < some.start[1:]).all()


@thorough
@given(INTERVALS, INTERVALS, st.sampled_from([0, 2**40 - 10, 2**62 - 40]))
def test_all_three_operations_equal_those_of_sets(
    one: list[tuple[int, int]], other: list[tuple[int, int]], at: int
) -> None:
    mine, theirs = normal(spans_of(one, at)), normal(spans_of(other, at))
    assert_is(mine, members(one, at))
    assert_is(intersect(mine, theirs), members(one, at) & members(other, at))
    assert_is(subtract(mine, theirs), members(one, at) - members(other, at))


def shifted(some: Spans) -> Spans:
    """Wrong by one: each interval a number too long."""
    return Spans(some.start, some.end + 1)


def unjoined(some: Spans) -> Spans:
    """Wrong in form: sorted, but what overlaps isn't joined."""
    order = np.argsort(some.start)
    return Spans(some.start[order], some.end[order])


@pytest.mark.parametrize("fault", [shifted, unjoined])
def test_the_check_catches_a_planted_fault(fault: Callable[[Spans], Spans]) -> None:
    with pytest.raises(AssertionError):
        assert_is(fault(spans_of([(0, 4), (2, 4)], 0)), members([(0, 4), (2, 4)], 0))
