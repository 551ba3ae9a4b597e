"""Throughput by cell: every valid trial a dot, invalid ones crossed, the cell's interval a line."""

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from experiments.analysis.naming import cell_name
from experiments.analysis.summary import Summary
from experiments.plots import style


def throughput(found: Summary) -> Figure:
    """Records a second carried by each cell of a run, the fastest on top, on a logarithmic axis."""
    with mpl.rc_context(style.SETTINGS):
        drawn = style.figure(8.0, 1.4 + 0.55 * max(1, len(found.cells)))
        axes = drawn.subplots()
    cells = sorted(found.cells, key=lambda cell: cell.carried_records_per_s.value or 0.0)
    drawn_rates = []
    for place, cell in enumerate(cells):
        one = cell.carried_records_per_s
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [place, place], color=style.COLOURS[0], linewidth=6, alpha=0.35)
        for valid, marker, colour in ((True, "o", style.COLOURS[0]), (False, "x", style.COLOURS[1])):
            rates = [
                trial.carried_records_per_s
                for trial in found.trials
                if trial.cell == cell.cell and trial.valid is valid and trial.carried_records_per_s
            ]
            axes.plot(rates, [place] * len(rates), marker, color=colour, markersize=6)
            drawn_rates += rates
        if one.value is not None:
            axes.annotate(
                f"{one.value:,.0f}", (one.value, place), (8, 0), textcoords="offset points", va="center", fontsize=9
            )
        # Above its dots and over the whole width: beside the axis a long name would leave no room for the figure.
        axes.text(
            0.0, place + 0.28, f"{cell_name(cell.cell)} (n = {one.n})",
            transform=axes.get_yaxis_transform(), fontsize=8, va="bottom",
        )  # fmt: skip
    axes.set_yticks(range(len(cells)), [""] * len(cells))
    axes.set_ylim(-0.6, len(cells) - 0.2)
    if drawn_rates:
        axes.set_xscale("log")
        axes.set_xlim(min(drawn_rates) / 2, max(drawn_rates) * 3)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("records/s carried (log scale); dot: a valid trial, cross: an invalid one, bar: 95 % interval")
    return drawn
