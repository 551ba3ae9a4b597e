"""Interval arithmetic on hand-made sets; on random ones it is held against sets of integers (tests/property)."""

import numpy as np
import pytest

from experiments.metrics.intervals import Spans, intersect, normal, spans, subtract

LINE = 2**40


def made(*pairs: tuple[int, int]) -> Spans:
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    return Spans(edges[:, 0], edges[:, 1])


def pairs(some: Spans) -> list[tuple[int, int]]:
    return list(zip(some.start.tolist(), some.end.tolist(), strict=True))


def columns(*rows: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array(rows, np.int64).reshape(-1, 3).T)  # type: ignore[return-value]


def test_normal_form_is_sorted_and_joins_what_touches_or_overlaps() -> None:
    assert pairs(normal(made((7, 9), (0, 3), (3, 5), (2, 4)))) == [(0, 5), (7, 9)]


def test_an_interval_in_another_adds_nothing() -> None:
    assert pairs(normal(made((0, 10), (2, 3), (0, 10)))) == [(0, 10)]


def test_an_empty_interval_is_no_part_of_a_set_and_splits_none() -> None:
    assert pairs(normal(made((5, 5)))) == []
    assert pairs(normal(made((0, 10), (5, 5), (12, 12)))) == [(0, 10)]


def test_what_two_sets_share() -> None:
    assert pairs(intersect(made((0, 5), (8, 12)), made((3, 9), (11, 20)))) == [(3, 5), (8, 9), (11, 12)]


def test_sets_that_only_touch_share_nothing() -> None:
    assert pairs(intersect(made((0, 5)), made((5, 9)))) == []


def test_what_one_set_has_and_another_has_not() -> None:
    assert pairs(subtract(made((0, 10)), made((3, 4), (8, 20)))) == [(0, 3), (4, 8)]
    assert pairs(subtract(made((3, 4)), made((0, 10)))) == []


def test_empty_sets_are_sets() -> None:
    empty, some = made(), made((1, 4))
    assert normal(empty).total == 0
    assert pairs(intersect(some, empty)) == pairs(intersect(empty, some)) == []
    assert pairs(subtract(some, empty)) == [(1, 4)]
    assert pairs(subtract(empty, some)) == []


def test_neighbouring_agents_never_touch() -> None:
    last = LINE - 1
    found = spans(*columns((0, last, 1), (1, 0, 1)))
    assert normal(found).total == 2
    assert pairs(found) == [(last, LINE), (LINE, LINE + 1)]
    assert intersect(spans(*columns((0, last, 1))), spans(*columns((1, 0, 1)))).total == 0


def test_the_farthest_corner_of_the_line_is_exact() -> None:
    found = normal(spans(*columns((2**22 - 1, 0, LINE - 1), (2**22 - 1, LINE - 1, 1))))
    assert pairs(found) == [((2**22 - 1) * LINE, 2**22 * LINE)]
    assert found.total == LINE


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((2**22, 0, 1), "agent must be 0 to 4194303, got 0 to 4194304"),
        ((-1, 0, 1), "agent must be 0 to 4194303, got -1"),
        ((0, LINE, 1), "first must be 0 to"),
        ((0, -5, 10), "first must be 0 to 1099511627775, got -5"),
        ((0, 0, -1), "count must be 0 to"),
        ((0, LINE - 1, 2), "goes beyond"),
        ((0, 2**63 - 1, 2**63 - 1), "first must be 0 to"),
        ((0, 1, 2**63 - 1), "count must be 0 to"),
    ],
)
def test_what_the_line_cannot_hold_is_refused_and_never_wraps(row: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spans(*columns((0, 0, 10), row))


def test_the_smallest_integer_types_do_not_overflow() -> None:
    agent, first, count = np.array([3], "u1"), np.array([250], "u1"), np.array([250], "u1")
    assert pairs(spans(agent, first, count)) == [(3 * LINE + 250, 3 * LINE + 500)]
