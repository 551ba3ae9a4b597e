"""Throughput against the workers' cores, a panel for each combination of the other factors, all axes from zero.

No law is fitted here: with as many sizes as a law has parameters any law fits. The dotted line is plain proportion.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.plots import rows
from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import BLUE, GREY, VERMILION, hide, legend_below, plain_numbers, wrapped
from experiments.plots.words import Words

FACTOR = "system.worker_cores"

#: Fewest sizes that a law of two parameters can be held against.
LEAST_SIZES = 3


def table(found: Findings) -> Table:
    """A row a trial, with `cores_count`: the CPUs of the workers' children. Groups of one size are left out."""
    if FACTOR not in rows.factors([cell.cell for cell in found.summary.cells]):
        return []
    sized = []
    for row in rows.trials(found):
        cores = len(found.records[row["trial"]].target.get("placement", {}).get("workers", ()))
        others = {name: row[name] for name in found.summary.cells[0].cell if name != FACTOR}
        if cores:
            sized.append({**row, "cores_count": cores, "series": rows.label(others)})
    grouped = groups(sized, "series").values()
    return [row for group in grouped if len(groups(group, "cores_count")) > 1 for row in group]


def layout(table: Table) -> Layout:
    """Two panels beside each other."""
    count = len(groups(table, "series"))
    return Layout(8.0 if count > 1 else 5.0, 0.6 + 2.9 * ((count + 1) // 2), (count + 1) // 2, min(2, count))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Dots: trials. Line: the geometric means, with their intervals."""
    grouped = groups(table, "series")
    for axes, ((series,), group) in zip(panels, grouped.items(), strict=False):
        sizes = sorted(groups(group, "cores_count").items())
        means = [(cores, rows_[0]) for (cores,), rows_ in sizes if rows_[0]["value"] is not None]
        if means:
            least, first = means[0]
            most = sizes[-1][0][0]
            axes.plot([0, most], [0, first["value"] / least * most], ":", color=GREY, label=say("proportional"))
        axes.plot(
            [c for c, _ in means], [one["value"] for _, one in means], "-", color=BLUE, label=say("mean_interval")
        )
        for cores, one in means:
            if one["low"] is not None:
                axes.plot([cores, cores], [one["low"], one["high"]], color=BLUE, linewidth=6, alpha=0.35)
        for valid, marker, colour, word in ((True, "o", BLUE, "valid_trial"), (False, "x", VERMILION, "invalid_trial")):
            mine = [row for row in group if row["valid"] is valid]
            if mine:
                xs, ys = [row["cores_count"] for row in mine], [row["carried_records_per_s"] for row in mine]
                axes.plot(xs, ys, marker, color=colour, markersize=4, label=say(word))
        axes.set_title(wrapped(series or say("all_trials"), 3.3))
        axes.set_xlim(0, sizes[-1][0][0] * 1.15)
        axes.set_ylim(0, max(row["carried_records_per_s"] for row in group) * 1.15)
        axes.set_xticks([cores for (cores,), _ in sizes])
        counts = say.trials([rows_[0]["n"] for _, rows_ in sizes])
        law = f"\n{say('few_sizes', count=len(sizes))}" if len(sizes) < LEAST_SIZES else ""
        axes.set_xlabel(f"{say('cores')}\n{counts}{law}")
        axes.set_ylabel(say("carried"))
        plain_numbers(axes.yaxis, say)
    legend_below(panels, 4)
    hide(list(panels[len(grouped) :]))


PLOT = Plot("throughput_vs_cores", table, layout, draw)
