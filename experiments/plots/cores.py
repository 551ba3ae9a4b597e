"""Throughput against the workers' cores, a panel for each combination of the other factors, all axes from zero.

Amdahl's law and the universal scalability law are fitted where there are more sizes than parameters; else the panel says that
there are too few. The dotted line is plain proportion.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.plots import scaling
from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import GREY, hide, legend_below, plain_numbers, wrapped
from experiments.plots.words import Words

SIZE = "cores_count"


def table(found: Findings) -> Table:
    """A row a trial, with `cores_count`: the CPUs of the workers' children; then the laws. No series of one size."""
    return scaling.table(found, SIZE, lambda points: not points[0].emulated)


def layout(table: Table) -> Layout:
    """Two panels beside each other."""
    count = len(groups(table, "series"))
    laws = len(groups([row for row in table if row["law"] is not None], "series", "law"))
    height = 0.6 + 2.9 * ((count + 1) // 2) + 0.18 * laws
    return Layout(8.0 if count > 1 else 5.0, height, (count + 1) // 2, min(2, count))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Dots: trials. Line: the geometric means, with their intervals. Dashed: the laws, with theirs."""
    grouped = groups(table, "series")
    for axes, ((series,), group) in zip(panels, grouped.items(), strict=False):
        trials = scaling.measured(group)
        sizes = sorted(groups(trials, SIZE).items())
        means = [(cores, each[0]["value"]) for (cores,), each in sizes if each[0]["value"] is not None]
        most = sizes[-1][0][0]
        if means:
            axes.plot([0, most], [0, means[0][1] / means[0][0] * most], ":", color=GREY, label=say("proportional"))
        scaling.draw_laws(axes, group, SIZE, say)
        scaling.draw_trials(axes, group, SIZE, say)
        axes.set_title(wrapped(series or say("all_trials"), 3.3))
        axes.set_xlim(0, most * 1.15)
        axes.set_ylim(0, max(row["carried_records_per_s"] for row in trials) * 1.15)
        axes.set_xticks([cores for (cores,), _ in sizes])
        counts = say.trials([each[0]["n"] for _, each in sizes])
        law = f"\n{say('few_sizes', count=len(sizes))}" if len(sizes) < scaling.LEAST_SIZES else ""
        axes.set_xlabel(f"{say('cores')}\n{counts}{law}")
        axes.set_ylabel(say("carried"))
        plain_numbers(axes.yaxis, say)
    legend_below(panels, 2 if any(row["law"] for row in table) else 4)
    hide(list(panels[len(grouped) :]))


PLOT = Plot("throughput_vs_cores", table, layout, draw)
