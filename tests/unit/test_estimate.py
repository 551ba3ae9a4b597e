"""Estimates against numbers that were come to another way: a t table made by integration, intervals by its definition."""

import math
import statistics

import numpy as np
import pytest

from experiments.stats.estimate import LEAST_TRIALS, Estimate, estimate

RATES = [1010.0, 985.0, 1042.0, 1003.0, 968.0]


def test_five_trials_give_the_interval_of_the_textbook() -> None:
    found = estimate(RATES)
    logs = [math.log(rate) for rate in RATES]
    half = 2.776445 * statistics.stdev(logs) / math.sqrt(5)
    assert found.value == pytest.approx(statistics.geometric_mean(RATES))
    assert found.low == pytest.approx(math.exp(statistics.fmean(logs) - half), rel=1e-5)
    assert found.high == pytest.approx(math.exp(statistics.fmean(logs) + half), rel=1e-5)
    assert (found.n, found.method) == (5, "geometric mean, 95 % t interval of the logarithms over trials")


def test_the_interval_is_a_ratio_so_the_unit_does_not_matter() -> None:
    one, thousand = estimate(RATES), estimate([rate * 1000 for rate in RATES])
    assert thousand.value == pytest.approx(one.value * 1000)
    assert thousand.low == pytest.approx(one.low * 1000)
    assert thousand.high == pytest.approx(one.high * 1000)


def test_the_interval_covers_what_it_says() -> None:
    """Nominal 95 %; 2,000 cells of 5 trials: three standard errors are 1.5 %."""
    draws = np.random.Generator(np.random.Philox(key=3)).normal(0.0, 0.02, (2_000, 5))
    found = [estimate((1000 * np.exp(row)).tolist()) for row in draws]
    covered = sum(one.low <= 1000.0 <= one.high for one in found)
    assert 0.935 < covered / 2_000 < 0.965


@pytest.mark.parametrize("n", range(1, LEAST_TRIALS))
def test_below_five_trials_there_is_no_interval(n: int) -> None:
    found = estimate(RATES[:n])
    assert found.value == pytest.approx(statistics.geometric_mean(RATES[:n]))
    assert (found.low, found.high, found.n) == (None, None, n)
    assert found.method == f"geometric mean; n = {n}, no interval"
    assert f"(n = {n}, no interval)" in str(found)


def test_equal_trials_have_an_interval_of_no_width() -> None:
    found = estimate([1000.0] * 6)
    assert found.low == pytest.approx(1000.0)
    assert found.high == pytest.approx(1000.0)


def test_a_value_that_is_not_positive_gives_a_mean_and_says_why_there_is_no_interval() -> None:
    for odd in (0.0, -3.0):
        found = estimate([odd, 10.0, 20.0, 30.0, 40.0])
        assert found.value == pytest.approx((odd + 100.0) / 5)
        assert (found.low, found.high) == (None, None)
        assert found.method == "mean; no interval: a value is not positive"


def test_no_trial_gives_no_value() -> None:
    assert estimate([]) == Estimate(value=None, low=None, high=None, n=0, method="no trial gives a value")
    assert str(estimate([])) == "no value"


@pytest.mark.parametrize("odd", [math.nan, -math.inf])
def test_a_value_that_is_no_number_is_refused_and_never_averaged(odd: float) -> None:
    with pytest.raises(ValueError, match="values must be finite, got"):
        estimate([1.0, odd, 2.0])


def test_a_value_beyond_measure_leaves_no_estimate() -> None:
    """The mean of the others would be that of the lucky ones."""
    found = estimate([1.0, math.inf, 2.0, 1.5, 1.2, 1.1])
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
    assert found.method == "beyond measure in 1 of 6 trials"
