"""How often steady series are called unsteady, how often unsteady ones are found, and what cutting does to the mean.

Fixed seeds. False alarms of both rules together, a trial (1,000 series each): normal noise of 5 % or 20 % a bin, Poisson
counts of 0.3, 1 and 10 a bin, neighbours correlated by 0.5: 0.5 % at most. Correlated by 0.9: 2.5 % at most.
"""

from collections.abc import Callable

import numpy as np
import pytest

from experiments.stats.steady import BINS_A_BATCH, Steady, bin_count, mser, steady, trend
from experiments.stats.within import within

WINDOW_S = 10.0
BINS = bin_count(WINDOW_S)
SERIES = 1000
LIMIT = 0.02
AT = np.linspace(0.0, 1.0, BINS)

Draw = Callable[[np.random.Generator], np.ndarray]


def normal(noise: float, shape: np.ndarray | float = 1.0) -> Draw:
    return lambda draws: 100 * shape * (1 + noise * draws.standard_normal(BINS))


def poisson(mean: float) -> Draw:
    return lambda draws: draws.poisson(mean, BINS).astype(float)


def correlated(phi: float) -> Draw:
    def draw(draws: np.random.Generator) -> np.ndarray:
        steps = draws.standard_normal(BINS + 100)
        for place in range(1, len(steps)):
            steps[place] = phi * steps[place - 1] + np.sqrt(1 - phi**2) * steps[place]
        return 100 + 10 * steps[100:]

    return draw


def judged(draw: Draw, series: int = SERIES) -> list[tuple[np.ndarray, Steady]]:
    draws = np.random.Generator(np.random.Philox(key=9))
    counts = [draw(draws) for _ in range(series)]
    return [(one, steady(one, WINDOW_S)) for one in counts]


def alarm(one: Steady) -> bool:
    """What the rules `steady state` and `trend` say, with the default limit."""
    if not one.reached:
        return True
    assert one.trend_low is not None
    assert one.trend_high is not None
    return one.trend_low > LIMIT or one.trend_high < -LIMIT


def rate(draw: Draw) -> float:
    return sum(alarm(one) for _, one in judged(draw)) / SERIES


STEADY = {
    "normal 5 %": normal(0.05),
    "normal 20 %": normal(0.2),
    "poisson 0.3": poisson(0.3),
    "poisson 1": poisson(1.0),
    "poisson 10": poisson(10.0),
    "correlated 0.5": correlated(0.5),
}


@pytest.mark.parametrize("draw", STEADY.values(), ids=STEADY)
def test_a_steady_rate_is_seldom_called_unsteady(draw: Draw) -> None:
    assert rate(draw) <= 0.005


def test_a_rate_whose_neighbours_are_nearly_equal_is_seldom_called_unsteady() -> None:
    assert rate(correlated(0.9)) <= 0.025


UNSTEADY = {
    "half cold at first, warm at the end": (normal(0.05, 1 - 0.5 * np.exp(-AT)), 0.99),
    "grows by 10 %": (normal(0.05, 1 + 0.1 * (AT - 0.5)), 0.6),
    "grows by 20 %": (normal(0.05, 1 + 0.2 * (AT - 0.5)), 0.85),
    "falls by 30 %": (normal(0.1, 1 - 0.3 * (AT - 0.5)), 0.9),
    "a step of 20 % past the middle": (normal(0.05, np.where(AT < 0.6, 1.0, 1.2)), 0.9),
}


@pytest.mark.parametrize(("draw", "power"), UNSTEADY.values(), ids=UNSTEADY)
def test_a_rate_that_moves_is_found(draw: Draw, power: float) -> None:
    assert rate(draw) >= power


def test_a_short_warm_up_is_cut_off_and_leaves_the_mean_right() -> None:
    """40 % deep, a tenth of the window long: uncut, the mean is 2 % low."""
    found = judged(normal(0.05, 1 - 0.4 * np.exp(-AT / 0.05)))
    assert sum(alarm(one) for _, one in found) / SERIES <= 0.01
    assert sum(one.warmup_s > 0 for _, one in found) / SERIES >= 0.99
    kept = [counts[round(one.warmup_s / one.bin_s) :].mean() for counts, one in found]
    assert np.mean(kept) == pytest.approx(100.0, rel=0.003)
    assert np.mean([counts.mean() for counts, _ in found]) == pytest.approx(98.0, rel=0.003)


@pytest.mark.parametrize("draw", [poisson(0.3), poisson(1.0)], ids=["0.3", "1"])
def test_skewed_counts_are_not_cut_to_a_lower_mean(draw: Draw) -> None:
    """MSER alone would: the control."""
    found = judged(draw)
    whole = np.mean([counts.mean() for counts, _ in found])
    ours = np.mean([counts[round(one.warmup_s / one.bin_s) :].mean() for counts, one in found])
    plain = np.mean([counts[BINS_A_BATCH * mser(counts.reshape(-1, 5).mean(axis=1)) :].mean() for counts, _ in found])
    assert ours == pytest.approx(whole, rel=0.003)
    assert plain < whole * 0.999


def test_bins_are_short_enough_and_enough() -> None:
    for window_s, bins in ((0.5, 300), (3.0, 300), (30.0, 300), (60.0, 600), (61.0, 620)):
        assert bin_count(window_s) == bins
        assert window_s / bins <= 0.1 + 1e-9
    with pytest.raises(ValueError, match="counts must be 5 a batch and 60 batches or more, got 299"):
        steady(np.ones(299), 3.0)


def test_mser_is_its_definition() -> None:
    draws = np.random.Generator(np.random.Philox(key=2))
    for _ in range(20):
        means = draws.exponential(3.0, 61)
        judged_by = [((means[k:] - means[k:].mean()) ** 2).sum() / (61 - k) ** 2 for k in range(31)]
        assert mser(means) == int(np.argmin(judged_by))


def test_a_line_is_found_with_its_slope_and_nothing_has_no_trend() -> None:
    low, high = trend(np.linspace(90.0, 110.0, 101))
    assert low == pytest.approx(0.2 * 101 / 100)
    assert high == pytest.approx(0.2 * 101 / 100)
    assert trend(np.zeros(60)) == (None, None)
    assert trend(np.ones(2)) == (None, None)


# The interval within a trial.


def coverage(draw: Draw) -> float:
    found = [(within(counts), counts.mean()) for counts, _ in judged(draw)]
    assert all(one.half_width_ratio is not None or (one.autocorrelation or 0) > 0.6 for one, _ in found)
    told = [(one.half_width_ratio, mean) for one, mean in found if one.half_width_ratio is not None]
    assert len(told) > SERIES * 0.9
    return sum(abs(mean - 100) <= half * mean for half, mean in told) / len(told)


@pytest.mark.parametrize("draw", [normal(0.1), correlated(0.5)], ids=["independent", "correlated"])
def test_the_interval_within_a_trial_covers_that_trials_mean(draw: Draw) -> None:
    assert coverage(draw) >= 0.93


def test_a_window_too_short_for_an_interval_gives_none() -> None:
    found = within(np.linspace(0.0, 100.0, 300))
    assert (found.half_width_ratio, found.method) == (None, "too short for an interval")
    assert within(np.zeros(300)).method == "nothing was counted"
    with pytest.raises(ValueError, match="counts must be a multiple of 20, got 30"):
        within(np.ones(30))
