"""What the gate compares, in which direction it may not move, and how a change in per cent becomes a log-ratio.

A change is what is printed: head / base - 1. A slowdown of s is a change of -s where more is better, of +s where less is.
The log-ratio of a pair, d, is positive where head is slower:

    d = ln(base / head)  where more is better,   d = ln(head / base)  where less is.
"""

import math
from typing import Final

import msgspec


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One compared figure of a slot. `unit` is how it is printed."""

    name: str
    unit: str
    more_is_better: bool

    def log_ratio(self, base: float, head: float) -> float:
        """`d` of a pair. Raises: ValueError unless both are positive numbers."""
        if not (0 < base < math.inf and 0 < head < math.inf):
            raise ValueError(
                f"{self.name} must be a positive number in both slots, got {base} (base) and {head} (head)"
            )
        return math.log(base / head) if self.more_is_better else math.log(head / base)

    def slowdown(self, ratio: float) -> float:
        """The log-ratio of a slowdown: 0.05 is 5 % less where more is better, 5 % more where less is; negative is faster."""
        return -math.log1p(-ratio) if self.more_is_better else math.log1p(ratio)

    def change(self, log_ratio: float) -> float:
        """head / base - 1 of a log-ratio: what is printed."""
        return math.expm1(-log_ratio if self.more_is_better else log_ratio)


METRICS: Final = {
    one.name: one
    for one in (
        Metric(name="throughput", unit="records/s", more_is_better=True),
        Metric(name="cpu", unit="us CPU a record", more_is_better=False),
        Metric(name="p99", unit="s response", more_is_better=False),
    )
}
