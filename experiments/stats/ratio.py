"""How many times as great one side's figure is as another's: a ratio of geometric means with its interval.

*Paired* where trial i of both sides had the same arrivals, record for record: t over the differences of logarithms: what
the load's chance does to both falls out. *Welch* elsewhere: the runs were made at different times, and full load has no
arrivals to share, so that pairing would cost half of the degrees of freedom and buy nothing.
Source: B. L. Welch, "The generalization of 'Student's' problem", Biometrika 34 (1947).
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.stats import t as student

from experiments.stats.estimate import LEAST_TRIALS


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """Second by first. `low`, `high`: 95 % interval, None below five trials a side. `differs`: None without an interval."""

    value: float | None
    low: float | None
    high: float | None
    n_first: int
    n_second: int
    differs: bool | None
    method: str

    def __str__(self) -> str:
        if self.value is None:
            return f"– ({self.method})"
        if self.low is None or self.high is None:
            return f"{self.value:.3f} (n = {self.n_first} and {self.n_second}, no interval)"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ratio(first: Sequence[float], second: Sequence[float], *, paired: bool, comparisons: int = 1) -> Ratio:
    """The ratio of two cells over their trials.

    Args:
        first, second: positive figures, one a trial; in the same order of replicates if `paired`.
        paired: whether trials of one place had the same arrivals.
        comparisons: how many such ratios are judged together: `differs` holds for all of them at 5 % (Bonferroni).

    Raises: ValueError if paired sides differ in length.
    """
    sizes = (len(first), len(second))
    if paired and sizes[0] != sizes[1]:
        raise ValueError(f"paired sides must have as many trials, got {sizes[0]} and {sizes[1]}")
    if not min(sizes):
        return _none(sizes, "no trial gives a value")
    if math.inf in (*first, *second):
        beyond = [sum(value == math.inf for value in values) for values in (first, second)]
        return _none(sizes, f"beyond measure in {beyond[0]} and {beyond[1]} trials")
    if min(*first, *second) <= 0:
        return _none(sizes, "a value is not positive")
    one, other = np.log(first), np.log(second)
    centre = float(other.mean() - one.mean())
    if min(sizes) < LEAST_TRIALS:
        return Ratio(
            value=math.exp(centre), low=None, high=None, n_first=sizes[0], n_second=sizes[1], differs=None,
            method=f"ratio of geometric means; n = {min(sizes)}, no interval",
        )  # fmt: skip
    error, freedom = _paired(other - one) if paired else _welch(one, other)
    half = float(student.ppf(0.975, freedom)) * error
    strict = float(student.ppf(1 - 0.025 / comparisons, freedom)) * error
    return Ratio(
        value=math.exp(centre),
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        n_first=sizes[0],
        n_second=sizes[1],
        differs=abs(centre) > strict,
        method="paired by replicate, t of the log ratios" if paired else "Welch's t of the logarithms",
    )


def _none(sizes: tuple[int, int], why: str) -> Ratio:
    return Ratio(value=None, low=None, high=None, n_first=sizes[0], n_second=sizes[1], differs=None, method=why)


def _paired(differences: np.ndarray) -> tuple[float, float]:
    n = len(differences)
    return float(differences.std(ddof=1)) / math.sqrt(n), n - 1


def _welch(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Standard error and degrees of freedom."""
    parts = [float(side.var(ddof=1)) / len(side) for side in (one, other)]
    error = math.sqrt(sum(parts))
    if not error:
        return 0.0, len(one) + len(other) - 2
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, (one, other), strict=True))
    return error, freedom
