"""Steady state of a rate: where its warm-up ends (MSER-5), and whether what is left still drifts.

Reads counts in equal bins, gives a `Steady`. MSER cuts off the first k of n batch means such that the rest estimates its own
mean best: k* = argmin over k <= n/2 of sum_{j >= k} (b_j - mean)^2 / (n - k)^2; a batch mean is that of five bins.

MSER cuts something off a series that is steady all along in half of all cases, and of skewed counts it cuts the high ones:
the mean of Poisson counts of 0.3 a bin came out 3.8 % low. So a cut counts only where what it cuts off differs from the rest
by more than chance, four standard errors; and there was no steady state only if such a cut stands at n/2.
Source: K. P. White Jr., "An effective truncation heuristic for bias reduction in simulation output", Simulation 69 (1997).
"""

import math
from typing import Final

import msgspec
import numpy as np
from scipy.stats import t as student

from experiments.stats.correlation import widening

#: Bins of a batch mean: the 5 of MSER-5.
BINS_A_BATCH: Final = 5
#: Longest bin, s, and fewest batches: with 20 batches MSER-5 puts 2 to 3 % of steady series at n/2, with 60 below 0.1 %.
LONGEST_BIN_S: Final = 0.1
LEAST_BATCHES: Final = 60
#: How many standard errors the part cut off must differ by.
_CUT_ERRORS: Final = 4.0
#: Confidence of the trend's interval: of a hundred steady trials none should be called invalid.
_TREND_CONFIDENCE: Final = 0.999


class Steady(msgspec.Struct, frozen=True, kw_only=True):
    """What a rate did over a window.

    `warmup_s`: cut off the window's begin, 0 if nothing was. `reached`: false if there was no steady state. `trend_low`,
    `trend_high`: interval of the drift over the rest, slope x length / mean; None if there are too few counts for one.
    """

    bin_s: float
    batches: int
    warmup_s: float
    reached: bool
    trend_low: float | None
    trend_high: float | None


def bin_count(window_s: float) -> int:
    """How many bins a window is divided into, none longer than LONGEST_BIN_S: a multiple of 20, for `within` too."""
    batches = max(LEAST_BATCHES, math.ceil(window_s / (LONGEST_BIN_S * BINS_A_BATCH)))
    return BINS_A_BATCH * 4 * math.ceil(batches / 4)


def steady(counts: np.ndarray, window_s: float) -> Steady:
    """Judges a window from its counts in `bin_count(window_s)` equal bins.

    Raises: ValueError if there are other than whole batches of bins, or fewer than LEAST_BATCHES.
    """
    if len(counts) % BINS_A_BATCH or len(counts) < LEAST_BATCHES * BINS_A_BATCH:
        raise ValueError(
            f"counts must be {BINS_A_BATCH} a batch and {LEAST_BATCHES} batches or more, got {len(counts)}"
        )
    means = counts.reshape(-1, BINS_A_BATCH).mean(axis=1)
    cut = mser(means)
    if not _differs(means, cut):
        cut = 0
    low, high = trend(means[cut:])
    bin_s = window_s / len(counts)
    return Steady(
        bin_s=bin_s,
        batches=len(means),
        warmup_s=cut * BINS_A_BATCH * bin_s,
        reached=cut < len(means) // 2,
        trend_low=low,
        trend_high=high,
    )


def mser(means: np.ndarray) -> int:
    """How many of the batch means to cut off the begin: MSER's k*, 0 to n/2."""
    n = len(means)
    kept = n - np.arange(n // 2 + 1)
    # Sums over the rest, from its end; about the whole mean, so that no digits are lost.
    centred = means - means.mean()
    sums = np.cumsum(centred[::-1])[::-1][: len(kept)]
    squares = np.cumsum(centred[::-1] ** 2)[::-1][: len(kept)]
    return int(np.argmin((squares - sums**2 / kept) / kept**2))


def _differs(means: np.ndarray, cut: int) -> bool:
    """Whether what is cut off differs from the rest by more than chance."""
    if not cut:
        return False
    rest = means[cut:]
    factor = widening(rest)[0]
    error = rest.std(ddof=1) * factor * math.sqrt(1 / cut + 1 / len(rest))
    return bool(abs(means[:cut].mean() - rest.mean()) > _CUT_ERRORS * error)


def trend(means: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    """Interval of slope x length / mean of a series: least squares, t, widened for autocorrelated residuals.

    (None, None) for fewer than three values or a mean of 0.
    """
    n = len(means)
    mean = means.mean() if n else 0.0
    if n < 3 or not mean:
        return None, None
    at = np.arange(n) - (n - 1) / 2
    spread = float((at**2).sum())
    slope = float((at * means).sum()) / spread
    residuals = means - mean - slope * at
    error = math.sqrt(float((residuals**2).sum()) / (n - 2) / spread) * widening(residuals)[0]
    half = float(student.ppf((1 + _TREND_CONFIDENCE) / 2, n - 2)) * error
    return (slope - half) * n / float(mean), (slope + half) * n / float(mean)
