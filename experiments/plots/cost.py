"""What a record costs the system in CPU time, by part, stacked, in µs and as shares.

The instrument's own parts are in the report's table.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.analysis.measures import PARTS as EVERY
from experiments.metrics.trial import TrialSummary
from experiments.plots import rows
from experiments.plots.bars import layout, split
from experiments.plots.plot import Axes, Plot, Row, Table
from experiments.plots.words import Words

TOTAL = "system"
PARTS = ("gateway", "broker", "workers", "worker_parents", "worker_children", "sweeper")


def _figure(trial: TrialSummary) -> Row:
    """CPU time in µs a record (the number of s a million); the workers in two where the probes told them apart."""
    spent = {part: cpu for part, cpu in (trial.cost.get("cpu_s_per_million_records") or {}).items() if cpu is not None}
    split = {"worker_parents", "worker_children"} <= set(spent)
    parts = {part: spent[part] for part in PARTS if part in spent and not (split and part == "workers")}
    # The whole is none without a part that was killed, and whose time isn't known.
    return {**parts, TOTAL: sum(parts.values())} if spent.keys() >= set(EVERY) else {}


def table(found: Findings) -> Table:
    """A row a cell and part, in µs a record; `part` is `system` for the sum."""
    return rows.a_cell(found, _figure)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """The parts along a record's way, the sum's interval as a line; right their shares."""
    split(table, panels, say, PARTS, TOTAL, 1.0, (f"{say('cpu')}; {say('interval')}", say("cpu_share")))


PLOT = Plot("cost", table, layout, draw)
