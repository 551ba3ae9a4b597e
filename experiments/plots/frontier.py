"""The frontier of BATCH_SIZE x TIMEOUT: what a lower 99th percentile costs in throughput, and in the system's CPU.

In an open loop that is carried every cell carries what was offered, and the price is the CPU; at full load it is the
throughput.
"""

from collections.abc import Callable, Sequence

from experiments.analysis.findings import Findings
from experiments.analysis.measures import MEASURES, P99_RESPONSE, system_cpu_us
from experiments.metrics.trial import TrialSummary
from experiments.plots import rows
from experiments.plots.plot import Axes, Layout, Plot, Row, Table, groups
from experiments.plots.style import COLOURS, GREY, VERMILION, legend_below, plain_numbers
from experiments.plots.words import Words

FACTORS = ("swarm.batch_size", "swarm.timeout_s")
_MARKERS = ("o", "s", "^", "D", "v", "P")

#: Markers' sizes in points, by BATCH_SIZE in the order of the config.
_SIZES = (4.0, 6.0, 8.5, 11.0)


def table(found: Findings) -> Table:
    """A row a cell, under the label of its other factors (`series`); a series of one cell is left out."""
    varied = rows.factors([cell.cell for cell in found.summary.cells])
    if not set(FACTORS) & set(varied):
        return []
    made = []
    for cell in found.summary.cells:
        mine = [trial for trial in found.summary.trials if trial.cell == cell.cell]
        valid = [trial for trial in mine if trial.counts] or mine
        row: Row = {**rows.head(cell.cell), **rows.health(found, cell)}
        row["series"] = rows.label({name: cell.cell[name] for name in varied if name not in FACTORS})
        row["batching"] = rows.label({name: cell.cell[name] for name in varied if name in FACTORS})
        for name, figure in _FIGURES.items():
            one = rows.estimated(figure(trial) for trial in valid)
            row |= {f"{name}_{key}" if key != "value" else name: value for key, value in one.items()}
        if row["p99_response_s"] is not None:
            made.append(row)
    return [row for group in groups(made, "series").values() if len(group) > 1 for row in group]


_FIGURES: dict[str, Callable[[TrialSummary], float | None]] = {
    "p99_response_s": MEASURES[P99_RESPONSE].of,
    "carried_records_per_s": lambda trial: trial.carried_records_per_s,
    "cpu_us_per_record": system_cpu_us,
}


def best(points: Sequence[tuple[float, float]], *, higher: bool) -> list[int]:
    """The points that no other beats in both: a lower first coordinate, and a second one lower or (`higher`) higher."""
    sign = -1.0 if higher else 1.0
    found, reached = [], float("inf")
    for place in sorted(range(len(points)), key=lambda one: (points[one][0], sign * points[one][1])):
        if sign * points[place][1] < reached:
            reached = sign * points[place][1]
            found.append(place)
    return found


def layout(table: Table) -> Layout:
    """Throughput and cost beside each other, a row a series; the cells' names below."""
    count = len(groups(table, "series"))
    return Layout(9.0, 0.6 + 3.4 * count + 0.1 * len(groups(table, "batching")), count, 2)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """A marker a cell, with the intervals of both figures; the frontier as a line."""
    for place, ((series,), group) in enumerate(groups(table, "series").items()):
        for axes, name, word in (
            (panels[2 * place], "carried_records_per_s", "carried"),
            (panels[2 * place + 1], "cpu_us_per_record", "system_cost"),
        ):
            _panel(axes, group, name, say)
            axes.set_ylabel(say(word))
            axes.set_xlabel(f"{say('p99')}\n{say.trials([row['p99_response_s_n'] for row in group])}")
            axes.set_title(series)
    legend_below(panels, 3)


def _panel(axes: Axes, group: Table, name: str, say: Words) -> None:
    shown = [row for row in group if row[name] is not None]
    sizes = list(dict.fromkeys(row.get(FACTORS[0]) for row in group))
    waits = list(dict.fromkeys(row.get(FACTORS[1]) for row in group))
    points = [(row["p99_response_s"] * 1e3, row[name]) for row in shown]
    sound = [point for point, row in zip(points, shown, strict=True) if row["valid"]]
    if line := [sound[one] for one in best(sound, higher=name == "carried_records_per_s")]:
        axes.plot(*zip(*line, strict=True), "-o", color=GREY, linewidth=1, markersize=13, markerfacecolor="none",
                  label=say("frontier"))  # fmt: skip
    for row, (x, y) in zip(shown, points, strict=True):
        colour = COLOURS[sizes.index(row.get(FACTORS[0])) % 7]
        marker = _MARKERS[waits.index(row.get(FACTORS[1])) % 6]
        if row["p99_response_s_low"] is not None:
            axes.plot(
                [row["p99_response_s_low"] * 1e3, row["p99_response_s_high"] * 1e3], [y, y], color=colour, alpha=0.4
            )
        if row[f"{name}_low"] is not None:
            axes.plot([x, x], [row[f"{name}_low"], row[f"{name}_high"]], color=colour, alpha=0.4)
        said = row["batching"]
        if marks := rows.marked(row, say):
            said += f" ({', '.join(marks)})"
        face = colour if row["valid"] else "none"
        # The larger the batch, the larger the marker: colours alone are one grey in print. Small ones lie on top.
        size = _SIZES[min(sizes.index(row.get(FACTORS[0])), len(_SIZES) - 1)]
        axes.plot([x], [y], marker, color=colour, markerfacecolor=face, markersize=size, linestyle="none", label=said,
                  zorder=4 - size / 10)  # fmt: skip
        if not row["valid"]:
            axes.plot([x], [y], "x", color=VERMILION, markersize=9)
    axes.set_xscale("log")
    plain_numbers(axes.xaxis, say, log=True)
    if points:
        axes.set_ylim(0, max([y for _, y in points] + [row[f"{name}_high"] or 0 for row in shown]) * 1.12)
    plain_numbers(axes.yaxis, say)


PLOT = Plot("batching_frontier", table, layout, draw)
