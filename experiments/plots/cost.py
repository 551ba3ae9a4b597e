"""What a record costs the system in CPU time, by part, stacked: the instrument's own parts are in the report's table."""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.metrics.trial import TrialSummary
from experiments.plots import rows
from experiments.plots.bars import stack, title_bars
from experiments.plots.plot import Axes, Layout, Plot, Row, Table, groups
from experiments.plots.style import plain_numbers
from experiments.plots.words import Words

TOTAL = "system"
PARTS = ("gateway", "broker", "workers", "worker_parents", "worker_children", "sweeper")


def _figure(trial: TrialSummary) -> Row:
    """CPU time in µs a record (the number of s a million); the workers in two where the probes told them apart."""
    spent = {part: cpu for part, cpu in (trial.cost.get("cpu_s_per_million_records") or {}).items() if cpu is not None}
    split = {"worker_parents", "worker_children"} <= set(spent)
    parts = {part: spent[part] for part in PARTS if part in spent and not (split and part == "workers")}
    return {**parts, TOTAL: sum(parts.values())} if parts else {}


def table(found: Findings) -> Table:
    """A row a cell and part, in µs a record; `part` is `system` for the sum."""
    return rows.a_cell(found, _figure)


def layout(table: Table) -> Layout:
    """A line a cell."""
    return Layout(8.0, 1.2 + 0.5 * len(groups(table, "cell")))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """The parts along a record's way, the sum's interval as a line."""
    (axes,) = panels
    grouped = groups(table, "cell")
    bars = {cell: {row["part"]: row["value"] for row in group} for (cell,), group in grouped.items()}
    stack(axes, bars, [part for part in PARTS if any(part in bar for bar in bars.values())], say)
    ends = []
    for place, group in enumerate(grouped.values()):
        whole = next(row for row in group if row["part"] == TOTAL)
        ends.append(max(whole["value"], whole["high"] or 0.0))
        if whole["low"] is not None:
            axes.plot([whole["low"], whole["high"]], [place, place], color="black", linewidth=1.5)
        axes.annotate(f" {say.significant(whole['value'])}", (ends[-1], place), va="center", fontsize=8)
    axes.set_xlim(0, 1.12 * max(ends))
    plain_numbers(axes.xaxis, say)
    title_bars(axes, table, say)
    axes.set_xlabel(f"{say('cpu')}; {say('interval')}\n{say.trials([row['n'] for row in table])}")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


PLOT = Plot("cost", table, layout, draw)
