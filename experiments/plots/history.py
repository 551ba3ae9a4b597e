"""A scenario's history: each commit's figures as ratios to the pinned reference, with intervals, a panel a metric.

Ratios and no absolute values: a machine that changes moves both sides of a pair.
"""

from collections.abc import Sequence

from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import BLUE, GREY, legend_below, plain_numbers
from experiments.plots.words import Words


def table(rows: Table) -> Table:
    """The rows themselves, one a metric and commit: metric, more_is_better, commit, reference, ratio, low, high."""
    return rows


def layout(table: Table) -> Layout:
    """A panel a metric, one above the other."""
    panels = len(groups(table, "metric"))
    return Layout(8.0, 0.7 + 2.2 * panels, panels)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Commits in their order; a ratio of 1 is the reference."""
    for axes, ((metric, more), rows) in zip(panels, groups(table, "metric", "more_is_better").items(), strict=True):
        at = list(range(len(rows)))
        ratios = [row["ratio"] for row in rows]
        axes.axhline(1.0, color=GREY, linestyle="--", linewidth=1.0)
        axes.plot(at, ratios, "o-", color=BLUE, markersize=4, linewidth=1.0, label=say("estimate_interval"))
        for place, row in zip(at, rows, strict=True):
            if row["low"] is not None:
                axes.plot([place, place], [row["low"], row["high"]], color=BLUE, linewidth=4, alpha=0.35)
        told = say("against", metric=metric, reference=str(rows[0]["reference"])[:7])
        axes.set_title(f"{told} ({say('more_better' if more else 'less_better')})")
        axes.set_xticks(at, [str(row["commit"])[:7] for row in rows], rotation=90, fontsize=7)
        plain_numbers(axes.yaxis, say)
    panels[-1].set_xlabel(say("commits"))
    legend_below(panels, 1)


PLOT = Plot("history", table, layout, draw)
