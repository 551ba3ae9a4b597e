"""The mean response time split by stage, stacked: in milliseconds, and as shares of the whole.

Means add up, quantiles don't: the 99th percentiles of the stages are in the report's table.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.metrics.trial import TrialSummary
from experiments.plots import rows
from experiments.plots.bars import stack, title_bars
from experiments.plots.plot import Axes, Layout, Plot, Row, Table, groups
from experiments.plots.style import plain_numbers
from experiments.plots.words import Words

STAGES = ("batch_wait", "send_lag", "ingest", "queue_wait", "fetch", "scan", "commit")
TOTAL = "response"


def _figure(trial: TrialSummary) -> Row:
    """Means in s by stage, and their sum's; none where records never finished, for then there is no mean."""
    means = {name: one.mean for name in STAGES if (one := trial.stages_s.get(name)) is not None}
    whole = trial.response_time_s.mean
    return {} if whole is None or None in means.values() else {**means, TOTAL: whole}


def table(found: Findings) -> Table:
    """A row a cell and stage, in seconds; `part` is `response` for the whole."""
    return rows.a_cell(found, _figure)


def layout(table: Table) -> Layout:
    """Two panels over all cells."""
    return Layout(9.0, 1.4 + 0.5 * len(groups(table, "cell")), 1, 2)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Left the means with the whole's interval, right their shares."""
    left, right = panels
    grouped = groups(table, "cell")
    means = {cell: {row["part"]: row["value"] * 1e3 for row in group} for (cell,), group in grouped.items()}
    names = [name for name in STAGES if any(name in one for one in means.values())]
    stack(left, means, names, say)
    sums = {cell: sum(one[name] for name in names if name in one) for cell, one in means.items()}
    stack(
        right, {c: {k: 100.0 * v / sums[c] for k, v in one.items() if sums[c]} for c, one in means.items()}, names, say
    )
    for place, ((cell,), group) in enumerate(grouped.items()):
        whole = next(row for row in group if row["part"] == TOTAL)
        end = max(sums[cell], (whole["high"] or 0.0) * 1e3)
        if whole["low"] is not None:
            left.plot([whole["low"] * 1e3, whole["high"] * 1e3], [place, place], color="black", linewidth=1.5)
        left.annotate(f" {say.significant(sums[cell])}", (end, place), va="center", fontsize=8)
    left.set_xlim(0, 1.15 * max([*sums.values(), *(1e3 * (row["high"] or 0) for row in table if row["part"] == TOTAL)]))
    plain_numbers(left.xaxis, say)
    right.set_xlim(0, 100)
    right.set_facecolor("none")  # a long name above a bar of the left panel goes on here
    title_bars(left, table, say)
    counts = say.trials([row["n"] for row in table])
    left.set_xlabel(f"{say('mean_time')}; {say('interval')}\n{counts}")
    right.set_xlabel(f"{say('time_share')}\n{counts}")
    right.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


PLOT = Plot("stages", table, layout, draw)
