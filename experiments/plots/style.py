"""The one style of all figures: readable in print and by the colour-blind (Okabe and Ito's palette), units on every axis."""

import io
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

#: Okabe and Ito, "Color Universal Design" (2008), without black and yellow.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

SETTINGS: Final[Any] = {
    "svg.hashsalt": "caudal",  # the same data give the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
}


def figure(width_in: float, height_in: float) -> Figure:
    """An empty figure in the style."""
    with mpl.rc_context(SETTINGS):
        return Figure(figsize=(width_in, height_in), layout="constrained")


def as_svg(drawn: Figure) -> str:
    """The figure as an SVG element, ready to stand in a page."""
    text = io.StringIO()
    with mpl.rc_context(SETTINGS):
        drawn.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
