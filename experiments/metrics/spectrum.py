"""The percentile spectrum of a trial's response time: from the median to the last share that its sample bears.

A quantile of which fewer than 20 records lie above would be a few outliers' mood: the rule by which p99 wants 2,000 records
and p99.9 wants 20,000 (quantiles.py) goes on outwards.
"""

from typing import Final

import numpy as np

from experiments.metrics.observed import Observed, counted, cut, of
from loadgen.model.ranks import Ranks

#: Fewest records above a quantile.
LEAST_ABOVE: Final = 20

#: Shares of the records, denser towards the tail, where the distance to 1 is what counts.
SHARES: Final = (
    0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998,
    0.9999, 0.99995, 0.99998, 0.99999,
)  # fmt: skip


def spectrum(seen: Observed, window: tuple[int, int]) -> tuple[dict[float, float], int]:
    """(share -> seconds, records) over those that arrived in the window; those that never finished count as slowest.

    A share that the sample doesn't bear, or that falls among the unfinished, is left out.
    """
    ranks, total = Ranks(), 0
    for arrived, records in seen.arrived():
        total += sum(counted(records, inside) for _, inside in cut(window, arrived))
    for arrived, response_ns, records in seen.finished():
        for _, inside in cut(window, arrived):
            ranks.count(response_ns[inside], of(records, inside))
    borne = {
        share: rank
        for share in SHARES
        if 0 < (rank := int(np.ceil(share * total))) <= ranks.total
        and (share <= 0.5 or total * (1.0 - share) >= LEAST_ABOVE - 1e-6)
    }
    ranks.want(*borne.values())
    for arrived, response_ns, records in seen.finished():
        for _, inside in cut(window, arrived):
            ranks.pick(response_ns[inside], of(records, inside))
    return {share: ranks.at(rank) / 1e9 for share, rank in borne.items()}, total
