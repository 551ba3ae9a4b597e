"""The interval of a rate within one trial: a diagnostic of its noise, never an interval of the system's rate.

With a spread of 2 % from run to run it covers the system's mean in 80 % of all cases only: trials are the unit of
replication (estimate.py).
"""

from typing import Final

import msgspec
import numpy as np
from scipy.stats import t as student

from experiments.stats.correlation import widening

BATCHES: Final = 20
#: A series whose batch means depend on one another more than this is too short for any interval.
_MOST_PHI: Final = 0.6


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """Half the width of the 95 % interval, as a share of the mean; None with the reason in `method`."""

    half_width_ratio: float | None
    autocorrelation: float | None
    method: str


def within(counts: np.ndarray) -> Within:
    """From counts in equal bins, a multiple of 20 of them: 20 batch means, t, widened by their autocorrelation.

    Raises: ValueError if they can't be divided by 20.
    """
    if not len(counts) or len(counts) % BATCHES:
        raise ValueError(f"counts must be a multiple of {BATCHES}, got {len(counts)}")
    means = counts.reshape(BATCHES, -1).mean(axis=1)
    mean = float(means.mean())
    if not mean:
        return Within(half_width_ratio=None, autocorrelation=None, method="nothing was counted")
    factor, phi = widening(means)
    if phi > _MOST_PHI:
        return Within(half_width_ratio=None, autocorrelation=phi, method="too short for an interval")
    half = float(student.ppf(0.975, BATCHES - 1)) * float(means.std(ddof=1)) / BATCHES**0.5 * factor
    return Within(
        half_width_ratio=half / mean, autocorrelation=phi, method="20 batch means, widened for autocorrelation"
    )
