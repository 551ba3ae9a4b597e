"""The exact null distribution of Wilcoxon's signed-rank statistic.

T is the sum of the ranks of |x| over the positive x: the number of pairs i <= j with x_i + x_j > 0 (Tukey's count). If signs
are fair coins, T is the sum of k B_k, k = 1..n, with fair bits B_k, whatever the sizes are:

    P(T = t) = 2^-n x the number of subsets of {1..n} with sum t

scipy.stats.wilcoxon computes the same p but offers no quantile, which intervals and attained levels need; a test holds the
two equal. Ties and zeros are counted against the claim, so that they make a p only larger.
Source: F. Wilcoxon, Biometrics Bulletin 1 (1945) 80-83; Hollander, Wolfe, "Nonparametric Statistical Methods" (1999), ch. 3.
"""

from functools import cache

import numpy as np


@cache
def upper_tail(n: int) -> np.ndarray:
    """P(T >= t) for t = 0 .. n (n + 1) / 2 + 1: float64, the last one 0."""
    mass = np.ones(1)
    for k in range(1, n + 1):
        grown = np.zeros(len(mass) + k)
        grown[: len(mass)] += mass / 2
        grown[k:] += mass / 2
        mass = grown
    tail = np.append(np.cumsum(mass[::-1])[::-1], 0.0)
    tail.setflags(write=False)
    return tail


def p_value(n: int, statistic: int) -> float:
    """P(T >= statistic) for `n` signs."""
    return float(upper_tail(n)[statistic])


def critical(n: int, level: float) -> int:
    """The least t with P(T >= t) <= level; n (n + 1) / 2 + 1, which T never reaches, where there is none."""
    return int(np.argmax(upper_tail(n) <= level))


def attained(n: int, level: float) -> float:
    """The greatest error probability that a test at `level` has: P(T >= critical); 0 where it can't reject."""
    return float(upper_tail(n)[critical(n, level)])
