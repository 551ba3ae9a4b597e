"""The one style of all figures: readable in print and by the colour-blind (Okabe and Ito's palette), units on every axis.

Colour never stands alone: lines differ by dash and marker too, bars by hatch. The same table gives the same bytes.
"""

import io
import math
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from experiments.plots.plot import Axes, Plot, Table, as_csv
from experiments.plots.words import Words

#: Okabe and Ito, "Color Universal Design" (2008); yellow last, for it is faint on white.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666", "#F0E442")
BLUE, VERMILION, GREEN, GREY = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[6]
_DASHES: Final = ("-", "--", ":", "-.")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_HATCHES: Final = ("", "///", "", "\\\\\\", "", "xxx", "")

#: Of bold text at 9 points, measured on cell labels, and of plain text at 8 points, on sentences.
_BOLD_PER_IN: Final = 12
_PLAIN_PER_IN: Final = 15

#: What a step between ticks may begin with.
_STEPS: Final = (1, 2, 2.5, 5, 10)

#: Ticks of a logarithmic axis, as multiples of powers of ten, and the fewest that suffice: the first set that has them.
_LOG_TICKS: Final = (((1.0,), 4), ((1.0, 2.0, 5.0), 3), ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), 4))

#: What every figure is kept as, beside its CSV.
FORMATS: Final = ("svg", "pdf", "png")

SETTINGS: Final[Any] = {
    "svg.hashsalt": "caudal",  # the same data give the same file
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # what people write is drawn as they write it, dollar signs too
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
}


def line(number: int) -> dict[str, Any]:
    """How the so-manieth line is drawn."""
    return {
        "color": COLOURS[number % 7],
        "linestyle": _DASHES[number // 2 % 4],
        "marker": _MARKERS[number % 6],
        "markersize": 4,
        "linewidth": 1.4,
    }


def fill(number: int) -> dict[str, Any]:
    """How the so-manieth part of a bar is drawn."""
    # No edge: a white one would hide a part that is thinner than itself.
    return {
        "facecolor": COLOURS[number % 8],
        "hatch": _HATCHES[number % 7],
        "hatchcolor": "white",
        "linewidth": 0,
    }


def draw(plot: Plot[Any], table: Table, say: Words) -> Figure:
    """The figure of a table, laid out once: what is saved of it later has the same places in every format."""
    layout = plot.layout(table)
    with mpl.rc_context(SETTINGS):
        drawn = Figure(figsize=(layout.width_in, layout.height_in), layout="constrained")
        panels = drawn.subplots(layout.rows, layout.columns, squeeze=False)
        plot.draw(table, list(panels.flat), say)
        drawn.draw_without_rendering()
        drawn.set_layout_engine("none")
    return drawn


def as_svg(drawn: Figure) -> str:
    """The figure as the text of an SVG file."""
    text = io.StringIO()
    with mpl.rc_context(SETTINGS):
        drawn.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def inline(svg: str, name: str, *, ground: bool = False) -> str:
    """The SVG element alone, to stand in a page beside others: ids begin with `name`; a white ground only if wanted."""
    element = svg[svg.index("<svg") :]
    if not ground:
        element = element.replace("fill: #ffffff", "fill: none")
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", element)


def save(drawn: Figure, table: Table, folder: Path, name: str, formats: Sequence[str] = FORMATS) -> str:
    """Writes `name`.csv and the figure in each format into the folder; gives the SVG's text."""
    (folder / f"{name}.csv").write_text(as_csv(table), encoding="utf-8")
    svg = as_svg(drawn)
    if "svg" in formats:
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    with mpl.rc_context(SETTINGS):
        if "pdf" in formats:
            drawn.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
        if "png" in formats:
            drawn.savefig(folder / f"{name}.png", dpi=150, metadata={"Software": None})
    return svg


def plain_numbers(axis: Axes, say: Words, *, log: bool = False) -> None:
    """Ticks as people write numbers; of a logarithmic axis those within its limits, which are therefore set before."""
    if log:
        axis.set_ticks(log_ticks(*sorted(axis.get_view_interval())))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    axis.set_major_formatter(FuncFormatter(lambda value, _: say.plain(value)))


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, both above 0: 1, 2 and 5 times powers of ten, more of them on a short axis."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples, enough in _LOG_TICKS:
        ticks = [one * 10.0**power for power in powers for one in multiples if low <= one * 10.0**power <= high]
        if len(ticks) >= enough:
            return ticks
    return [float(one) for one in MaxNLocator(4, steps=_STEPS).tick_values(low, high) if low <= one <= high]


def same_heights(panels: Sequence[Axes], say: Words) -> None:
    """One logarithmic scale for all panels: heights in one can be held against those in another."""
    ends = [end for axes in panels for end in axes.get_ylim()]
    for axes in panels:
        axes.set_ylim(min(ends) / 1.1, max(ends) * 1.1)  # a flat line at an end would lie on the panel's edge
        plain_numbers(axes.yaxis, say, log=True)


def wrapped(text: str, width_in: float) -> str:
    """A bold label broken into lines of at most that width; a factor stays with its level."""
    kept = ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in text.split(", "))
    return textwrap.fill(kept, max(10, round(width_in * _BOLD_PER_IN)), break_long_words=False)


def sentence(text: str, width_in: float) -> list[str]:
    """Lines of plain text at 8 points of at most that width; marks of code are left out."""
    return textwrap.wrap(text.replace("`", ""), round(width_in * _PLAIN_PER_IN))


def legend_below(panels: Sequence[Axes], columns: int, title: str | None = None) -> None:
    """One legend for all panels, below them: each name once, in as many columns as the figure's width allows."""
    handles = {text: one for axes in panels for one, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure = panels[0].figure
    for count in range(columns, 0, -1):
        made = figure.legend(
            handles.values(), handles.keys(), loc="outside lower center", ncols=count, title=title, title_fontsize=8
        )
        if count == 1 or made.get_window_extent().width < figure.bbox.width:
            return
        made.remove()


def hide(panels: list[Axes]) -> None:
    """Panels that a figure's grid has and its table doesn't."""
    for one in panels:
        one.set_visible(False)
