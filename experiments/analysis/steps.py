"""A walk: cells that are steps, each one change from the one before; what each step gains.

Read off the trials' throughput, paired by block: the trials of a block ran within minutes of one another, so that what
drifts on the machine from block to block falls out of their ratio. A block counts where both of its trials are valid.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from experiments.analysis.naming import cell_name
from experiments.metrics.trial import TrialSummary
from experiments.stats.ratio import Ratio, ratio


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step's throughput as a multiple of that of the step before, and of the first; None for the first itself."""

    name: str
    cell: dict[str, Any]
    gain: Ratio | None
    gain_since_first: Ratio | None


def steps(cells: Sequence[dict[str, Any]], trials: Sequence[TrialSummary]) -> list[Step]:
    """The steps in the order of the cells, whose levels `cells` holds."""
    rates = [
        {
            one.replicate: one.carried_records_per_s
            for one in trials
            if one.cell == levels and one.counts and one.carried_records_per_s
        }
        for levels in cells
    ]
    return [
        Step(
            name=cell_name(levels),
            cell=levels,
            gain=_gain(rates[place - 1], rates[place]) if place else None,
            gain_since_first=_gain(rates[0], rates[place]) if place else None,
        )
        for place, levels in enumerate(cells)
    ]


def _gain(before: dict[int, float], after: dict[int, float]) -> Ratio:
    blocks = sorted(before.keys() & after.keys())
    return ratio([before[block] for block in blocks], [after[block] for block in blocks], paired=True)
