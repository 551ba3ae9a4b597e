"""How evenly the agents were served: Jain's index of what each got against its fair share.

The fair share is the max-min one: what was carried is dealt out in equal parts, but nobody gets more than it offered, and
what one leaves is dealt to the rest. An agent's x is what it got by its share; the index is (sum x)^2 / (n sum x^2): 1 if all
got their shares, 1/n if one got everything.
Source: R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness", DEC-TR-301 (1984).
"""

import msgspec
import numpy as np

from experiments.metrics.response import Done
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """Over the `agents` that offered anything. `least_ratio`: what the worst served got of its share."""

    index: float
    least_ratio: float
    agents: int


def fairness(record: TrialRecord, tables: Tables, timed: Done) -> Fairness | None:
    """Of the records cut, and of those committed, within the window; None where nothing was carried in one.

    Args:
        timed: the analysed batches whose commit instant is known.
    """
    agents = record.load.agents
    begin, end = record.window
    if agents < 1 or end <= begin:
        return None

    def sums(agent: np.ndarray, count: np.ndarray, at: np.ndarray) -> np.ndarray:
        inside = (at >= begin) & (at < end)
        return np.bincount(agent[inside], weights=count[inside], minlength=agents)

    # Nobody offers less than it got, though a batch that was cut before the window may have been carried in it.
    carried = sums(timed["agent"], timed["count"], timed["committed_mono_ns"])
    batches = tables.batches
    offered = np.maximum(sums(batches["agent"], batches["count"], batches["cut_mono_ns"]), carried)
    wants = offered > 0
    if not carried.sum():
        return None
    ratios = carried[wants] / shares(offered[wants], float(carried.sum()))
    return Fairness(index=jain(ratios), least_ratio=float(ratios.min()), agents=int(wants.sum()))


def jain(values: np.ndarray) -> float:
    """Jain's index of some values >= 0, of which one is positive."""
    return float(values.sum() ** 2 / (len(values) * np.sum(values**2)))


def shares(offered: np.ndarray, total: float) -> np.ndarray:
    """The max-min fair shares of `total` among those who offered so much (> 0 each): water filling."""
    found = np.empty(len(offered))
    left, heads = total, len(offered)
    for place in np.argsort(offered, kind="stable"):
        found[place] = min(float(offered[place]), left / heads)
        left -= found[place]
        heads -= 1
    return found
