"""The gate's statistics against the same computed another way: scipy's p, counted subsets, intervals by trying."""

import itertools

import numpy as np
import pytest
from scipy.stats import wilcoxon

from experiments.gate.coin import base_first
from experiments.gate.looks import LOOKS, false_alarm_rate, missed_rate, single
from experiments.gate.metric import METRICS
from experiments.gate.paired import Paired
from experiments.gate.power import outcomes
from experiments.gate.rule import finding
from experiments.gate.signed_rank import attained, critical, p_value, upper_tail


def drawn(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.Generator(np.random.Philox(key=seed))
    return draws.normal(0.03, 0.05, n), draws.random(n) < 0.5


def test_the_null_distribution_is_that_of_counted_subsets() -> None:
    sums = [
        sum(k for k, taken in zip(range(1, 9), bits, strict=True) if taken)
        for bits in itertools.product((0, 1), repeat=8)
    ]
    for t in range(38):
        assert upper_tail(8)[t] == sum(one >= t for one in sums) / 2**8


@pytest.mark.parametrize("n", [5, 12, 40])
def test_a_p_value_is_scipys(n: int) -> None:
    for seed in range(5):
        d, first = drawn(seed, n)
        s = np.where(first, 1.0, -1.0)
        for delta in (-0.02, 0.0, 0.0099, 0.05):
            x = d - delta - s * (s * (d - delta)).mean()
            assert Paired(d, first).p_slower(delta) == pytest.approx(
                wilcoxon(x, alternative="greater", method="exact").pvalue
            )
            assert Paired(d, first).p_faster(delta) == pytest.approx(
                wilcoxon(x, alternative="less", method="exact").pvalue
            )


def test_the_interval_holds_just_what_the_test_does_not_reject() -> None:
    evidence = Paired(*drawn(7, 18))
    interval = evidence.interval()
    assert interval is not None
    for delta in np.linspace(-0.05, 0.12, 2001):
        accepted = min(evidence.p_slower(delta), evidence.p_faster(delta)) > 0.025
        assert accepted == (interval[0] <= delta <= interval[1]) or min(abs(delta - end) for end in interval) < 1e-4


def test_with_as_many_coins_of_either_side_the_estimate_is_the_median_of_walsh_averages() -> None:
    d, _ = drawn(8, 12)
    first = np.resize([True, False], 12)
    s = np.where(first, 1.0, -1.0)
    a = d - s * (s * d).mean()
    averages = [(a[i] + a[j]) / 2 for i in range(12) for j in range(i, 12)]
    assert Paired(d, first).estimate == pytest.approx(np.median(averages))


def test_a_slowdown_and_a_place_are_told_apart_exactly_without_noise() -> None:
    first = [True, True, False, True, False, True, True, False]
    evidence = Paired([0.04 + (0.3 if one else -0.3) for one in first], first)
    assert evidence.estimate == pytest.approx(0.04)
    assert evidence.position == pytest.approx(0.3)
    assert evidence.sd == pytest.approx(0, abs=1e-12)


def test_a_spread_is_the_residuals_of_the_two_orders_means() -> None:
    d, first = drawn(9, 20)
    rest = np.concatenate([d[side] - d[side].mean() for side in (first, ~first)])
    assert Paired(d, first).sd == pytest.approx(np.sqrt((rest**2).sum() / 18))


def test_nothing_is_proven_by_coins_that_all_fell_alike_nor_by_no_pair() -> None:
    for evidence in (Paired([0.5] * 12, [True] * 12), Paired([], [])):
        assert (evidence.estimate, evidence.position, evidence.interval()) == (None, None, None)
        assert evidence.p_slower(0.0) == evidence.p_faster(0.0) == 1.0


def test_ties_and_zeros_count_against_the_claim() -> None:
    assert Paired([0.0, 0.0, 0.0, 0.0], [True, False, True, False]).p_slower(0.0) == 1.0
    # Balanced coins, so x = d: ranks 1, 2 tied and 3, 4 tied with opposite signs; T is 3 + ... by strict pairs only.
    x = [0.1, -0.1, 0.2, -0.2]
    strict = sum(x[i] + x[j] > 0 for i in range(4) for j in range(i, 4))
    evidence = Paired(x, [True, True, False, False])
    assert evidence.p_slower(0.0) == p_value(4, strict)


def test_a_pair_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite numbers with a coin each"):
        Paired([float("nan")], [True])
    with pytest.raises(ValueError, match="throughput must be a positive number in both slots, got 0"):
        METRICS["throughput"].log_ratio(0, 1)


@pytest.mark.parametrize("name", METRICS)
def test_a_slowdown_has_the_sign_and_the_size_that_its_change_says(name: str) -> None:
    metric = METRICS[name]
    worse = 0.95 if metric.more_is_better else 1.05
    assert metric.log_ratio(100, 100 * worse) == pytest.approx(metric.slowdown(0.05))
    assert metric.change(metric.slowdown(0.05)) == pytest.approx(worse - 1)
    assert metric.slowdown(0.05) > 0 > metric.slowdown(-0.05)


def test_attained_levels_are_below_the_stated_ones_and_are_the_greatest_such() -> None:
    for look in LOOKS:
        for level in (look.fail, look.fail / 5, look.passing):
            assert 0 < attained(look.pairs, level) <= level < p_value(look.pairs, critical(look.pairs, level) - 1)
    assert false_alarm_rate(LOOKS, 1) == pytest.approx(0.00899, abs=1e-5)
    assert false_alarm_rate(LOOKS, 2) < 0.01
    assert missed_rate(LOOKS) < 0.05
    assert false_alarm_rate(single(30), 2) < 0.01


def test_two_pairs_have_no_interval_and_a_level_that_is_too_low_rejects_never() -> None:
    assert Paired([0.1, 0.2], [True, False]).interval() is None
    assert attained(4, 0.01) == 0.0


def test_the_simulation_decides_as_the_rule_does() -> None:
    metric = METRICS["cpu"]
    ends = {"slower": 0, "not slower": 0}
    draws = np.random.Generator(np.random.Philox(key=10))
    d, s = draws.normal(0.03, 0.04, (300, 40)), 1.0 - 2.0 * draws.integers(0, 2, (300, 40))
    for one, coins in zip(d, s, strict=True):
        for look in LOOKS:
            found = finding(Paired(one[: look.pairs], coins[: look.pairs] > 0), metric, look, 2)
            if found != "unknown":
                ends[found] += 1
                break
    assert outcomes(d, s, metric, LOOKS, 2) == (ends["slower"] / 300, ends["not slower"] / 300)
    assert min(ends.values()) > 20


def test_coins_are_fair_the_same_again_and_another_for_each_seed_and_scenario() -> None:
    some = [base_first(1, "gate-heavy", pair) for pair in range(4000)]
    assert some == [base_first(1, "gate-heavy", pair) for pair in range(4000)]
    assert 1900 < sum(some) < 2100
    assert some != [base_first(2, "gate-heavy", pair) for pair in range(4000)]
    assert some != [base_first(1, "gate-steady", pair) for pair in range(4000)]
    assert 1900 < sum(one != other for one, other in itertools.pairwise(some)) < 2100


def test_the_first_coins_of_a_seed_are_these() -> None:
    # What result.json records is drawn again by anybody who holds the seed.
    assert "".join("bh"[not base_first(7, "gate-heavy", pair)] for pair in range(24)) == "bhhbhbbhbbbhbhhhhhhbbbbh"
