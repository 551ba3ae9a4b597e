"""Weighted quantiles without rounding, and when a sample is too small for one.

A quantile is an observed value: the smallest one such that at least the share q of all records lies at or below it.
"""

from typing import Final

import msgspec
import numpy as np

#: Fewest records for which a quantile is printed: below it the number would be a few outliers' mood.
LEAST: Final = {"p99": 2_000, "p999": 20_000}
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, over the `count` records that finished and the `unfinished` ones, which took longer than any of them.

    None where there are too few records (p99 wants 2,000, p99.9 wants 20,000), and where the quantile falls among the
    unfinished: a system that stands still must not look fast because only what it did in time is counted.
    """

    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None
    mean: float | None
    count: int
    unfinished: int = 0


def quantiles(value_ns: np.ndarray, records: np.ndarray, unfinished: int = 0) -> Quantiles:
    """Quantiles of `value_ns`, each standing for `records` records (int64, not negative), beside `unfinished` ones."""
    finished = int(records.sum())
    total = finished + unfinished
    if finished == 0:
        return Quantiles(p50=None, p90=None, p99=None, p999=None, max=None, mean=None, count=0, unfinished=unfinished)
    order = np.argsort(value_ns, kind="stable")
    values = value_ns[order]
    upto = np.cumsum(records[order])
    found = {
        name: float(values[np.searchsorted(upto, np.ceil(share * total))]) / 1e9
        if total >= LEAST.get(name, 1) and np.ceil(share * total) <= finished
        else None
        for name, share in SHARES.items()
    }
    carrying = np.flatnonzero(records[order])[-1]
    return Quantiles(
        p50=found["p50"],
        p90=found["p90"],
        p99=found["p99"],
        p999=found["p999"],
        max=None if unfinished else float(values[carrying]) / 1e9,
        mean=None if unfinished else float((value_ns * (records / total)).sum()) / 1e9,
        count=finished,
        unfinished=unfinished,
    )
