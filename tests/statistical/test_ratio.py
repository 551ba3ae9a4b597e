"""Ratios between cells: coverage, false alarms of `differs`, power; 2,000 pairs of cells each, seeds fixed.

An A/A pair of identical cells of five trials with 3 % spread is said to differ in 5 % of all cases for one cell, in 5 %
for any of seven together.
"""

import numpy as np
import pytest

from experiments.stats.estimate import estimate
from experiments.stats.ratio import Ratio, ratio

PAIRS = 2000


def draws() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=21))


def cells(true_ratio: float, *, spreads: tuple[float, float] = (0.03, 0.03), common: float = 0.0) -> list[np.ndarray]:
    """Two cells of five trials each; `common`: spread of what replicates share."""
    some = draws()
    shared = common * some.standard_normal((PAIRS, 1, 5))
    own = some.standard_normal((PAIRS, 2, 5)) * np.array(spreads)[None, :, None]
    return list(1000 * np.exp(shared + own) * np.array([1.0, true_ratio])[None, :, None])


def ratios(found: list[np.ndarray], *, paired: bool = False, comparisons: int = 1) -> list[Ratio]:
    return [ratio(one.tolist(), other.tolist(), paired=paired, comparisons=comparisons) for one, other in found]


@pytest.mark.parametrize("spreads", [(0.03, 0.03), (0.01, 0.1)], ids=["alike", "unlike"])
@pytest.mark.parametrize("paired", [False, True], ids=["welch", "paired"])
def test_the_interval_covers_the_true_ratio(spreads: tuple[float, float], paired: bool) -> None:
    found = ratios(cells(1.2, spreads=spreads), paired=paired)
    covered = sum((one.low or 0) <= 1.2 <= (one.high or 0) for one in found) / PAIRS
    assert 0.935 <= covered <= 0.97


def test_an_a_a_pair_differs_as_seldom_as_it_says() -> None:
    found = ratios(cells(1.0))
    assert sum(bool(one.differs) for one in found) / PAIRS <= 0.055
    together = ratios(cells(1.0), comparisons=7)
    runs = [any(one.differs for one in together[at : at + 7]) for at in range(0, PAIRS - 6, 7)]
    assert sum(runs) / len(runs) <= 0.07


def test_an_a_a_pairs_own_intervals_overlap_nearly_always() -> None:
    overlapping = 0
    for one, other in cells(1.0):
        first, second = estimate(one.tolist()), estimate(other.tolist())
        overlapping += (first.low or 0) <= (second.high or 0) and (second.low or 0) <= (first.high or 0)
    assert overlapping / PAIRS >= 0.99


def test_a_difference_of_ten_percent_is_found() -> None:
    assert sum(bool(one.differs) for one in ratios(cells(0.9))) / PAIRS >= 0.95


def test_pairing_removes_what_replicates_share_and_welch_does_not() -> None:
    found = cells(1.03, spreads=(0.003, 0.003), common=0.05)
    assert sum(bool(one.differs) for one in ratios(found, paired=True)) / PAIRS >= 0.99
    assert sum(bool(one.differs) for one in ratios(found)) / PAIRS <= 0.2


def test_below_five_trials_there_is_a_ratio_and_no_interval() -> None:
    found = ratio([100.0] * 4, [110.0] * 9, paired=False)
    assert found.value == pytest.approx(1.1)
    assert (found.low, found.high, found.differs) == (None, None, None)
    assert str(found) == "1.100 (n = 4 and 9, no interval)"


def test_nothing_and_odd_values_have_no_ratio() -> None:
    assert ratio([], [1.0], paired=False).method == "no trial gives a value"
    assert ratio([0.0], [1.0], paired=False).method == "a value is not positive"
    with pytest.raises(ValueError, match="as many trials, got 1 and 2"):
        ratio([1.0], [1.0, 2.0], paired=True)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = ratio([100.0] * 5, [100.0] * 5, paired=False)
    assert (found.low, found.high, found.differs) == (1.0, 1.0, False)
