"""Throughput by cell: a bar a cell with its interval, every trial a dot, invalid trials crossed."""

import matplotlib as mpl
from matplotlib.figure import Figure

from experiments.analysis.summary import Summary
from experiments.plots import style


def throughput(found: Summary) -> Figure:
    """Records a second carried, for each cell of a run, on a logarithmic axis."""
    with mpl.rc_context(style.SETTINGS):
        drawn = style.figure(8.0, 1.4 + 0.42 * len(found.cells))
        axes = drawn.subplots()
    cells = sorted(found.cells, key=lambda cell: cell.carried_records_per_s.value or 0.0)
    labels = []
    for place, cell in enumerate(cells):
        one = cell.carried_records_per_s
        trials = [trial for trial in found.trials if trial.cell == cell.cell and trial.carried_records_per_s]
        if one.value is not None:
            axes.barh(place, one.value, height=0.6, color=style.COLOURS[0], alpha=0.35)
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [place, place], color=style.COLOURS[0], linewidth=2)
        for valid, marker, colour in ((True, "o", style.COLOURS[0]), (False, "x", style.COLOURS[1])):
            rates = [trial.carried_records_per_s or 0.0 for trial in trials if trial.valid is valid]
            axes.plot(rates, [place] * len(rates), marker, color=colour, markersize=5)
        levels = ", ".join(f"{name.rpartition('.')[2]} {level}" for name, level in cell.cell.items())
        labels.append(f"{levels or 'the only cell'} (n = {one.n})")
    axes.set_yticks(range(len(labels)), labels)
    if any(cell.carried_records_per_s.value for cell in cells):
        axes.set_xscale("log")
    axes.set_xlabel("records/s carried (log scale); dots: trials, crosses: invalid ones, line: 95 % interval")
    return drawn
