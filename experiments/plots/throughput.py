"""Throughput by cell: every valid trial a dot, invalid ones crossed, the cell's interval a bar."""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.plots import rows
from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import BLUE, VERMILION, plain_numbers
from experiments.plots.words import Words
from experiments.stats.estimate import LEAST_TRIALS


def table(found: Findings) -> Table:
    """A row a trial, the slowest cell first; a cell of which no trial was valid stands below all others."""
    return sorted(rows.trials(found), key=lambda row: row["value"] or 0.0)


def layout(table: Table) -> Layout:
    """A line a cell."""
    return Layout(8.0, 1.3 + 0.5 * len(groups(table, "cell")))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Carried records a second of each cell, the fastest on top, on a logarithmic axis."""
    (axes,) = panels
    for place, ((cell,), trials) in enumerate(groups(table, "cell").items()):
        first = trials[0]
        if first["low"] is not None:
            axes.plot([first["low"], first["high"]], [place, place], color=BLUE, linewidth=6, alpha=0.35)
        for valid, marker, colour in ((True, "o", BLUE), (False, "x", VERMILION)):
            rates = [trial["carried_records_per_s"] for trial in trials if trial["valid"] is valid]
            axes.plot(rates, [place] * len(rates), marker, color=colour, markersize=6)
        if first["n"] > 1:
            axes.plot([first["value"]], [place], "|", color="black", markersize=13, markeredgewidth=1.2)
        if first["value"] is not None:
            said = say.significant(first["value"])
            axes.annotate(said, (first["value"], place), (0, -13), textcoords="offset points", ha="center", fontsize=8)
        crossed = sum(not trial["valid"] for trial in trials)
        told = [say("n", n=first["n"])]
        told += [say("some_invalid", count=crossed)] if crossed else []
        # A logarithm has no place for them.
        zeros = sum(not trial["carried_records_per_s"] for trial in trials)
        told += [say("zeros", count=zeros)] if zeros else []
        full = sum(trial["overloaded"] for trial in trials)
        told += [say("some_overloaded", count=full)] if full else []
        # Above its dots and over the whole width: beside the axis a long name would leave no room for the figure.
        axes.text(
            0.0, place + 0.2, f"{cell or say('only_cell')}  ({'; '.join(told)})",
            transform=axes.get_yaxis_transform(), fontsize=8, va="bottom",
        )  # fmt: skip
    shown = [row["carried_records_per_s"] for row in table if row["carried_records_per_s"] > 0]
    axes.set_yticks([])
    axes.set_ylim(-0.7, len(groups(table, "cell")) - 0.3)
    axes.spines["left"].set_visible(False)
    if shown:
        axes.set_xscale("log")
        axes.set_xlim(min(shown) / 1.6, max(shown) * 1.6)
        plain_numbers(axes.xaxis, say, log=True)
    short = f"\n{say('no_interval')}" if min(row["n"] for row in table) < LEAST_TRIALS else ""
    axes.set_xlabel(f"{say('carried_log')}\n{say('marks')}{short}")


PLOT = Plot("throughput", table, layout, draw)
