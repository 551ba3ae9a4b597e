"""What this gate can find on this machine: its power by simulation, and the least slowdown it finds four times in five.

Pairs are drawn normal with the spread sd(pair) that was measured, coins fair; the looks, levels and the position adjustment
are the gate's own. Vectorised over simulated runs; a test holds it equal to `rule` on the same pairs. Seeded: the same
arguments give the same figure.
"""

from typing import Final, NamedTuple

import numpy as np

from experiments.gate.looks import Look
from experiments.gate.metric import Metric
from experiments.gate.rule import FAIL_ABOVE_RATIO, PASS_BELOW_RATIO
from experiments.gate.signed_rank import critical

#: The share in which a minimum detectable slowdown is found.
POWER: Final = 0.8
_RUNS: Final = 1000
_SEED: Final = 20
_STEPS: Final = 9
_MOST_RATIO: Final = 0.9


class Shares(NamedTuple):
    """How simulated runs end, as shares; the rest is inconclusive."""

    fail: float
    passed: float


def outcomes(
    log_ratios: np.ndarray, coins: np.ndarray, metric: Metric, looks: tuple[Look, ...], metrics: int
) -> Shares:
    """How runs end. `log_ratios`, `coins` (+1: base first, -1): float64, runs x pairs, not fewer than the last look's."""
    undecided = np.ones(len(log_ratios), dtype=bool)
    failed = passed = 0
    for look in looks:
        d, s = log_ratios[undecided, : look.pairs], coins[undecided, : look.pairs]
        slower = _statistic(d, s, metric.slowdown(FAIL_ABOVE_RATIO)) >= critical(look.pairs, look.fail / metrics)
        below = _statistic(-d, s, -metric.slowdown(PASS_BELOW_RATIO)) >= critical(look.pairs, look.passing)
        failed += int(slower.sum())
        passed += int((below & ~slower).sum())
        undecided[undecided] = ~(slower | below)
    return Shares(failed / len(log_ratios), passed / len(log_ratios))


def _statistic(d: np.ndarray, s: np.ndarray, delta: float) -> np.ndarray:
    """T of each row at theta = delta."""
    x = d - delta
    x = x - s * (s * x).mean(axis=1, keepdims=True)
    ranks = np.abs(x).argsort(axis=1).argsort(axis=1) + 1
    return np.asarray((ranks * (x > 0)).sum(axis=1))


def minimum_detectable(sd: float, metric: Metric, looks: tuple[Look, ...], metrics: int) -> float | None:
    """The slowdown, a ratio, that FAILs in `POWER` of the runs; None if not even 90 % would."""
    draws = np.random.Generator(np.random.Philox(key=_SEED))
    shape = (_RUNS, looks[-1].pairs)
    noise = sd * draws.standard_normal(shape)
    coins = 1.0 - 2.0 * draws.integers(0, 2, shape)

    def power(ratio: float) -> float:
        return outcomes(noise + metric.slowdown(ratio), coins, metric, looks, metrics).fail

    if power(_MOST_RATIO) < POWER:
        return None
    low, high = 0.0, _MOST_RATIO
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high
