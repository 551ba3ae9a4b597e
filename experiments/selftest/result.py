"""What a check found: theory, measured, an interval, and a verdict by a rule that stands before the measurement.

    fail    the interval lies beyond what is allowed around the theory: the instrument is wrong
    blunt   the interval is too wide to have seen a fault: nothing is said; a quieter machine or a longer run
    pass    neither

So a check that passes would have seen any fault larger than what is allowed and the interval together.
"""

import math
from typing import Any, Literal

import msgspec
import numpy as np
from scipy.stats import t as student

#: Means of so many stretches of a trial give an interval (stats/within.py has the reason for the number).
STRETCHES = 20
#: The intervals are 99 %: a self-test has a dozen of them.
CONFIDENCE = 0.99

Verdict = Literal["pass", "fail", "blunt"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison. `allowed`: how far off the theory may be for reasons that `why` names; in `unit` like the rest."""

    name: str
    unit: str
    theory: float
    measured: float
    low: float
    high: float
    allowed: float
    verdict: Verdict
    why: str


def compared(
    name: str, theory: float, measured: float, half: float, *, unit: str, allowed: float, sharp: float, why: str
) -> Result:
    """The result of a comparison.

    Args:
        name: of what is compared.
        theory: what it must be.
        measured: what it was.
        half: half the width of the interval around it; not finite if there is none.
        unit: of all the numbers.
        allowed: what the theory leaves out, at most, as an amount.
        sharp: the widest half-width that still tells something, as an amount.
        why: what is compared with what, and where the allowance comes from.
    """
    verdict: Verdict = "pass"
    if not math.isfinite(measured) or abs(measured - theory) - (half if math.isfinite(half) else 0.0) > allowed:
        verdict = "fail"
    elif not half <= sharp:
        verdict = "blunt"
    return Result(
        name=name,
        unit=unit,
        theory=theory,
        measured=measured,
        low=measured - half,
        high=measured + half,
        allowed=allowed,
        verdict=verdict,
        why=why,
    )


def half_width(values: "np.ndarray[Any, np.dtype[Any]]") -> float:
    """Half the interval of a mean of values in time order, from the means of STRETCHES stretches; inf below 2 a stretch."""
    if len(values) < 2 * STRETCHES:
        return math.inf
    means = np.array([stretch.mean() for stretch in np.array_split(values, STRETCHES)])
    quantile = float(student.ppf((1 + CONFIDENCE) / 2, STRETCHES - 1))
    return quantile * float(means.std(ddof=1)) / math.sqrt(STRETCHES)
