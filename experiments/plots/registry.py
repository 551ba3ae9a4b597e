"""All plots, in the order of the report. A new one is a file beside this one and a line here."""

from collections.abc import Iterator
from typing import Final

from matplotlib.figure import Figure

from experiments.analysis.findings import Findings
from experiments.plots import (
    ablation,
    cores,
    cost,
    emulated,
    frontier,
    hypotheses,
    spectrum,
    stages,
    style,
    throughput,
    timeline,
)
from experiments.plots.plot import Plot, Table
from experiments.plots.words import Words

PLOTS: Final[dict[str, Plot[Findings]]] = {
    plot.name: plot
    for plot in (
        hypotheses.PLOT,
        throughput.PLOT,
        cores.PLOT,
        emulated.PLOT,
        frontier.PLOT,
        ablation.PLOT,
        spectrum.PLOT,
        stages.PLOT,
        timeline.PLOT,
        cost.PLOT,
    )
}


def figures(found: Findings, say: Words) -> Iterator[tuple[str, Figure, Table]]:
    """Every figure that the run's factors and data allow: its name, the figure, its table."""
    for name, plot in PLOTS.items():
        if table := plot.table(found):
            yield name, style.draw(plot, table, say), table


def svg(found: Findings, name: str, language: str = "en") -> str:
    """One figure of a run as SVG, on white: a notebook may be dark. Raises: ValueError if the run has nothing for it."""
    plot = PLOTS[name]
    table = plot.table(found)
    if not table:
        raise ValueError(f"the run {found.summary.run_id} has no data for the figure {name!r}; see the plot's own file")
    return style.inline(style.as_svg(style.draw(plot, table, Words(language))), name, ground=True)
