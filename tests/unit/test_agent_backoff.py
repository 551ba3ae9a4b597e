"""Waits between attempts to connect."""

import random

import pytest

from system.agent.backoff import Backoff


def test_the_bound_doubles_up_to_the_cap() -> None:
    backoff = Backoff(base_s=0.5, cap_s=3.0)
    assert [backoff.bound_s(attempt) for attempt in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert backoff.bound_s(100_000) == 3.0


def test_waits_use_the_whole_range_below_the_bound() -> None:
    backoff = Backoff(base_s=1.0, cap_s=8.0)
    draw = random.Random(5)
    waits = [backoff.wait_s(2, draw) for _ in range(1000)]
    assert 0.0 <= min(waits) < 0.1
    assert 3.9 < max(waits) <= 4.0
    assert 1.8 < sum(waits) / len(waits) < 2.2


def test_two_agents_do_not_wait_alike() -> None:
    backoff = Backoff()
    assert backoff.wait_s(3, random.Random(1)) != backoff.wait_s(3, random.Random(2))


@pytest.mark.parametrize(("base_s", "cap_s"), [(0.0, 1.0), (2.0, 1.0), (1.0, float("inf")), (float("nan"), 1.0)])
def test_bounds_that_mean_nothing_are_refused(base_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError, match=r"backoff must have 0 < base_s <= cap_s, both finite, got base_s = "):
        Backoff(base_s=base_s, cap_s=cap_s)
