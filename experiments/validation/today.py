"""The same raw slots under the rules that people use today, to stand beside the gate's.

Each says of one metric whether head is called slower:

    threshold     head's median is more than 5 % worse than a stored one: that of the sitting before, or earlier
    t test        Welch's, all A then all B: base's slots of the first half, then head's of the second; p < 0.05, two-sided
    Mann-Whitney  all slots of both, as they were interleaved; p < 0.05, two-sided
Source: github-action-benchmark's `alert-threshold`; B. L. Welch, Biometrika 34 (1947); H. B. Mann, D. R. Whitney (1947).
"""

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Final

from scipy import stats

from experiments.gate.metric import Metric
from experiments.gate.slot import Pair, Side

#: How much worse than the stored figure a new one may be.
THRESHOLD_RATIO: Final = 0.05
LEVEL: Final = 0.05

Rule = Callable[[Sequence[Pair], Metric, float | None], bool | None]


def figures(pairs: Sequence[Pair], side: Side, metric: Metric) -> list[float]:
    """A side's figures, in the order of the pairs that count."""
    found = (one.of(side).figures[metric.name] for one in pairs)
    return [value for value in found if value is not None]


def threshold(pairs: Sequence[Pair], metric: Metric, stored: float | None) -> bool | None:
    """None where nothing was stored."""
    if stored is None:
        return None
    return metric.log_ratio(stored, median(figures(pairs, "head", metric))) > metric.slowdown(THRESHOLD_RATIO)


def t_test(pairs: Sequence[Pair], metric: Metric, _stored: float | None) -> bool | None:
    """None below two slots a half."""
    half = len(pairs) // 2
    if half < 2:
        return None
    base, head = figures(pairs[:half], "base", metric), figures(pairs[-half:], "head", metric)
    return _worse(base, head, metric) and float(stats.ttest_ind(base, head, equal_var=False).pvalue) < LEVEL


def mann_whitney(pairs: Sequence[Pair], metric: Metric, _stored: float | None) -> bool | None:
    """None without a pair."""
    if not pairs:
        return None
    base, head = figures(pairs, "base", metric), figures(pairs, "head", metric)
    return _worse(base, head, metric) and float(stats.mannwhitneyu(base, head).pvalue) < LEVEL


def _worse(base: Sequence[float], head: Sequence[float], metric: Metric) -> bool:
    return (fmean(head) < fmean(base)) == metric.more_is_better


RULES: Final[dict[str, Rule]] = {
    "stored threshold of 5 %": threshold,
    "all A, then all B, t test": t_test,
    "interleaved Mann-Whitney": mann_whitney,
}
