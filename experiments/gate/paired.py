"""The evidence of n pairs: exact p-values, an estimate and an interval of head's slowdown, free of what the place does.

Pairs are d_i = theta + s_i g_i: theta the slowdown (a log-ratio), s_i = +1 where base went first, -1 where head did (the
coin), g_i what time and place did to the second slot against the first. For a claimed theta = delta the mean effect of the
place is taken off,

    x_i = (d_i - delta) - s_i mean_j(s_j (d_j - delta))
        = a_i - delta b_i,   a_i = d_i - s_i mean(s d),  b_i = 1 - s_i mean(s)

which leaves the signs of x_i the fair coins they were: under theta = delta, x_i = s_i (g_i - mean g). So the signed-rank test
on x is exact. Since b_i > 0, x_i + x_j > 0 is the same as delta < w_ij with the Walsh ratios

    w_ij = (a_i + a_j) / (b_i + b_j),  i <= j

(with as many coins of either side: the Walsh averages of a). So T(delta) is the number of w_ij above delta; the median of w
is the Hodges-Lehmann estimate, and order statistics of w are the ends of the interval that this very test gives.
If all coins fell alike, place and side can't be told apart: then nothing is ever proven, and there is no estimate.
Source: J. L. Hodges, E. L. Lehmann, Annals of Mathematical Statistics 34 (1963) 598-611; Hollander, Wolfe (1999), ch. 3.
"""

import math
from collections.abc import Sequence

import numpy as np

from experiments.gate.signed_rank import critical, p_value


class Paired:
    """Pairs of one metric. `log_ratios`: d, positive where head is slower. `base_first`: the coins."""

    def __init__(self, log_ratios: Sequence[float], base_first: Sequence[bool]) -> None:
        """Raises: ValueError if lengths differ or a log-ratio is no finite number."""
        d = np.asarray(log_ratios, dtype=np.float64)
        s = np.where(np.asarray(base_first, dtype=bool), 1.0, -1.0)
        if len(d) != len(s) or not np.isfinite(d).all():
            raise ValueError(f"pairs must be finite numbers with a coin each, got {log_ratios} with {base_first}")
        self.n = len(d)
        self._d, self._s = d, s
        self._walsh = np.sort(_walsh(d, s))

    def p_slower(self, than: float) -> float:
        """One-sided p of `head's slowdown is at most than`: small where it is proven to be more. `than`: a log-ratio."""
        above = len(self._walsh) - int(np.searchsorted(self._walsh, than, side="right"))
        return p_value(self.n, above)

    def p_faster(self, than: float) -> float:
        """One-sided p of `head's slowdown is at least than`: small where it is proven to be less."""
        return p_value(self.n, int(np.searchsorted(self._walsh, than, side="left")))

    @property
    def estimate(self) -> float | None:
        """The Hodges-Lehmann estimate of the slowdown, a log-ratio; None if all coins fell alike or there is no pair."""
        return float(np.median(self._walsh)) if len(self._walsh) else None

    def interval(self, error: float = 0.05) -> tuple[float, float] | None:
        """The two-sided interval that covers the slowdown with probability 1 - error at least, for a fixed n.

        None where so few pairs give none.
        """
        cut = critical(self.n, error / 2)
        count = len(self._walsh)
        if cut > count:
            return None
        return float(self._walsh[count - cut]), float(self._walsh[cut - 1])

    @property
    def sd(self) -> float | None:
        """sd(pair): the standard deviation of a pair's log-ratio beside slowdown and place; None below three pairs."""
        if self.n < 3:
            return None
        design = np.column_stack((np.ones(self.n), self._s))
        fit, _, rank, _ = np.linalg.lstsq(design, self._d, rcond=None)
        rest = self._d - design @ fit
        return math.sqrt(float(rest @ rest) / (self.n - int(rank)))

    @property
    def position(self) -> float | None:
        """How much slower the second slot of a pair is than the first, a log-ratio: half the difference of the two orders."""
        if abs(self._s.sum()) == self.n:
            return None
        return float(self._d[self._s > 0].mean() - self._d[self._s < 0].mean()) / 2


def _walsh(d: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The Walsh ratios; none if all coins fell alike."""
    n = len(d)
    if n == 0 or abs(s.sum()) == n:
        return np.empty(0)
    a = d - s * (s * d).mean()
    b = 1 - s * s.mean()
    i, j = np.triu_indices(n)
    return np.asarray((a[i] + a[j]) / (b[i] + b[j]))
