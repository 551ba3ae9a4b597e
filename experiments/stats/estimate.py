"""An estimate over trials: a value with its interval, the trial being the unit of replication.

Trials of a cell differ by a factor, so the mean and Student's t interval are taken of the logarithms. Below five trials no
interval is given: it would be wider than anything it could tell.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
from scipy.stats import t as student

#: Below it an interval would be wider than anything it could tell.
LEAST_TRIALS: Final = 5


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over `n` trials; `low` and `high` bound its 95 % interval, None where there is none."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str

    def __str__(self) -> str:
        if self.value is None:
            return "no value"
        if self.low is None or self.high is None:
            return f"{self.value:,.0f} (n = {self.n}, no interval)"
        return f"{self.value:,.0f} [{self.low:,.0f}, {self.high:,.0f}] (n = {self.n})"


def estimate(values: Sequence[float]) -> Estimate:
    """The geometric mean of positive values with its interval; none if one is infinite, that is beyond measure.

    Raises: ValueError if a value is no number.
    """
    n = len(values)
    if beyond := sum(value == math.inf for value in values):
        return Estimate(value=None, low=None, high=None, n=0, method=f"beyond measure in {beyond} of {n} trials")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"values must be finite, got {[value for value in values if not math.isfinite(value)]}")
    if n == 0:
        return Estimate(value=None, low=None, high=None, n=0, method="no trial gives a value")
    if min(values) <= 0:
        mean = math.fsum(values) / n
        return Estimate(value=mean, low=None, high=None, n=n, method="mean; no interval: a value is not positive")
    logs = [math.log(value) for value in values]
    centre = math.fsum(logs) / n
    value = math.exp(centre)
    if n < LEAST_TRIALS:
        return Estimate(value=value, low=None, high=None, n=n, method=f"geometric mean; n = {n}, no interval")
    deviation = math.sqrt(math.fsum((log - centre) ** 2 for log in logs) / (n - 1))
    half = float(student.ppf(0.975, n - 1)) * deviation / math.sqrt(n)
    return Estimate(
        value=value,
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        n=n,
        method="geometric mean, 95 % t interval of the logarithms over trials",
    )
