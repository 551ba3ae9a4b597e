"""Emulated scaling: workers that wait a service time instead of computing, from one child to many on the real cores.

Always labelled as emulated, and never a claim about real cores: it shows what the coordination (Celery's parents, Redis, the
gateway) would carry. Where the coordination itself has used up the real cores the figure is shaded, and no law is fitted. The
run's real engines stand beside it, where it has any.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.plots import scaling
from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import BLUE, COLOURS, GREY, legend_below, plain_numbers
from experiments.plots.words import Words

SIZE = "servers_count"

_SPENT = COLOURS[4]


def table(found: Findings) -> Table:
    """A row a trial with `servers_count`, worker children or real cores; then the laws. Empty without an emulated series."""
    service = {
        index: record.config.get("system", {}).get("emulated", {}).get("service_s")
        for index, record in found.records.items()
    }
    made = scaling.table(found, SIZE, lambda _: True)
    made = [{**row, "service_s": service[row["trial"]]} if row["law"] is None else row for row in made]
    return made if any(row.get("emulated") for row in made) else []


def layout(table: Table) -> Layout:
    """One panel, and lines of the legend for each law and series."""
    named = len(groups(table, "series")) + len(
        groups([row for row in table if row["law"] is not None], "series", "law")
    )
    return Layout(8.0, 4.6 + 0.3 * named)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Both axes logarithmic, so that proportion is a straight line of slope 1."""
    (axes,) = panels
    trials = scaling.measured(table)
    emulated = [row for row in trials if row["emulated"]]
    for number, ((series,), group) in enumerate(groups(table, "series").items()):
        mine = scaling.measured(group)
        colour = BLUE if mine[0]["emulated"] else COLOURS[3 + number % 3]
        scaling.draw_laws(axes, group, SIZE, say)
        name = say("emulated_series") if mine[0]["emulated"] else say("real_series", series=series)
        dot = "o" if mine[0]["emulated"] else "s^D"[number % 3]
        scaling.draw_trials(axes, group, SIZE, say, colour, dot, name)
    sizes = sorted({row[SIZE] for row in trials})
    least = [row for row in emulated if row["value"] is not None and row[SIZE] == min(one[SIZE] for one in emulated)]
    if least:
        each = least[0]["value"] / least[0][SIZE]
        axes.plot(sizes, [each * size for size in sizes], ":", color=GREY, label=say("proportional_children"))
    spent = sorted({row[SIZE] for row in emulated if row["out_of_cores"]})
    if spent:
        below = [size for size in sizes if size < spent[0]]
        begin = (below[-1] * spent[0]) ** 0.5 if below else spent[0] / 1.2
        axes.axvspan(begin, sizes[-1] * 1.2, color=_SPENT, alpha=0.18, linewidth=0, label=say("out_of_cores"))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(sizes[0] / 1.2, sizes[-1] * 1.2)
    shown = [row["carried_records_per_s"] for row in trials if row["carried_records_per_s"] > 0]
    axes.set_ylim(min(shown) / 1.6, max(shown) * 1.6)
    plain_numbers(axes.yaxis, say, log=True)
    plain_numbers(axes.xaxis, say, log=True)
    axes.set_xticks(sizes)
    served = min(row["service_s"] or 0.0 for row in emulated) * 1e3
    axes.set_title(say("emulated_title", service=say.significant(served)))
    axes.set_xlabel(f"{say('servers')}\n{say.trials([row['n'] for row in trials])}")
    axes.set_ylabel(say("carried_log"))
    legend_below(panels, 2)


PLOT = Plot("emulated_scaling", table, layout, draw)
