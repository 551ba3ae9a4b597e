"""Weighted quantiles without rounding, and when a sample is too small for one.

A quantile is an observed value: the smallest one such that at least the share q of all records lies at or below it.
"""

from typing import Final

import msgspec
import numpy as np

from loadgen.model.ranks import Ranks

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


def beyond_measure(found: Quantiles, name: str) -> bool:
    """Whether a quantile falls among the unfinished: it is longer than anything that was seen, not unknown."""
    enough = found.count + found.unfinished >= LEAST.get(name, 1)
    return bool(found.unfinished) and enough and getattr(found, name) is None


def quantiles(value_ns: np.ndarray, records: np.ndarray, unfinished: int = 0) -> Quantiles:
    """Quantiles of `value_ns`, each standing for `records` records (int64, not negative), beside `unfinished` ones."""
    ranks = Ranks()
    ranks.count(value_ns, records)
    want(ranks, unfinished)
    ranks.pick(value_ns, records)
    return told(ranks, unfinished)


def want(ranks: Ranks, unfinished: int = 0) -> None:
    """Between the walks over values in ns, each with its records: asks for what `told` tells."""
    ranks.want(*_ranks(ranks, unfinished).values())


def told(ranks: Ranks, unfinished: int = 0) -> Quantiles:
    """Quantiles of what was counted and picked, beside `unfinished` records."""
    finished, found = int(ranks.total), {name: ranks.at(rank) / 1e9 for name, rank in _ranks(ranks, unfinished).items()}
    whole = finished > 0 and not unfinished
    return Quantiles(
        p50=found.get("p50"),
        p90=found.get("p90"),
        p99=found.get("p99"),
        p999=found.get("p999"),
        max=ranks.max / 1e9 if whole and ranks.max is not None else None,
        mean=ranks.sum / finished / 1e9 if whole else None,
        count=finished,
        unfinished=unfinished,
    )


def _ranks(ranks: Ranks, unfinished: int) -> dict[str, float]:
    """The rank of each quantile that there are records enough for, and that falls among the finished."""
    finished = ranks.total
    total = finished + unfinished
    found = {name: float(np.ceil(share * total)) for name, share in SHARES.items() if total >= LEAST.get(name, 1)}
    return {name: rank for name, rank in found.items() if rank <= finished}
