"""How much wider an interval must be because neighbours in a series resemble one another.

For a series whose value depends on the one before it with correlation phi, the variance of its mean is
(1 + phi) / (1 - phi) times what independent values give.
"""

import math
from typing import Final

import numpy as np

#: Beyond it the factor would say nothing but that the series is too short.
_MOST_PHI: Final = 0.9


def widening(series: np.ndarray) -> tuple[float, float]:
    """The factor for an interval's half-width, and phi: the lag-1 autocorrelation + 1/n (its bias), within 0 and 0.9."""
    centred = series - series.mean()
    total = float((centred**2).sum())
    lag1 = float((centred[1:] * centred[:-1]).sum()) / total if total else 0.0
    phi = min(max(lag1 + 1 / len(series), 0.0), _MOST_PHI)
    return math.sqrt((1 + phi) / (1 - phi)), phi
