"""An estimate over trials: a value with its interval, the trial being the unit of replication.

Trials of a cell differ by a factor, so the mean and Student's t interval are taken of the logarithms. Below five trials no
interval is given: it would be wider than anything it could tell.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

#: Student's t, two-sided 95 %, by degrees of freedom (from any table of the distribution); beyond 30 the last is used.
_T95: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip

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
    """The geometric mean of positive values with its interval.

    Raises: ValueError if a value is no finite number.
    """
    n = len(values)
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
    half = _T95[min(n - 1, len(_T95)) - 1] * deviation / math.sqrt(n)
    return Estimate(
        value=value,
        low=math.exp(centre - half),
        high=math.exp(centre + half),
        n=n,
        method="geometric mean, 95 % t interval of the logarithms over trials",
    )
