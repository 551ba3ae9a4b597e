"""What the eye needs of every plot: no text cut off or under another, round ticks, parts that are seen, one scale."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from experiments.analysis.findings import Findings, findings
from experiments.plots import style
from experiments.plots.registry import PLOTS, svg
from experiments.plots.words import LANGUAGES, Words
from tests.made_plots import CLAIM, HYPOTHESES, MadeFindings
from tests.made_run import made_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Findings]:
    """The findings of the run that a plot is tried on, made once."""
    return MadeFindings(tmp_path_factory.mktemp("runs"))


def unreadable(figure: Any) -> list[str]:
    """The figure's texts that leave it, and pairs of them that lie on each other."""
    figure.draw_without_rendering()
    shown = [one for axes in figure.axes if axes.get_visible() for one in axes.findobj(Text) if one not in unseen(axes)]
    shown += [one for legend in figure.legends for one in legend.findobj(Text)]
    boxes = {one: one.get_window_extent() for one in shown if one.get_visible() and one.get_text().strip()}
    whole = figure.bbox.padded(1.0)
    found = [
        f"{one.get_text()!r} is cut off"
        for one, box in boxes.items()
        if not (whole.contains(*box.min) and whole.contains(*box.max))
    ]
    return found + [
        f"{one.get_text()!r} lies on {other.get_text()!r}"
        for (one, box), (other, beside) in combinations(boxes.items(), 2)
        if box.padded(-1.0).overlaps(beside.padded(-1.0))
    ]


def unseen(axes: Any) -> set[Any]:
    """The labels of ticks outside their axis, which are never drawn."""
    found = set()
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            found |= {tick.label2} if low <= tick.get_loc() <= high else {tick.label1, tick.label2}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PLOTS)
def test_no_text_is_cut_off_or_lies_on_another(name: str, language: str, made: Callable[[str], Findings]) -> None:
    plot = PLOTS[name]
    assert unreadable(style.draw(plot, plot.table(made(name)), Words(language))) == []


def test_texts_that_are_cut_off_or_lie_on_each_other_are_noticed(made: Callable[[str], Findings]) -> None:
    plot = PLOTS["cost"]
    figure = style.draw(plot, plot.table(made(plot.name)), Words())
    axes = figure.axes[1]
    for at, said in ((1.4, "a long remark at the edge"), (0.9, "one"), (0.9, "another")):
        axes.text(at, 0.05, said, transform=axes.transAxes)
    assert unreadable(figure) == ["'a long remark at the edge' is cut off", "'one' lies on 'another'"]


def test_a_long_hypothesis_lies_on_no_margin(tmp_path: Path) -> None:
    says = "With `re`, " + "which holds the interpreter's lock while it scans, " * 4 + "it carries as much."
    run = made_run(tmp_path, CLAIM, hypotheses=[HYPOTHESES[0] | {"says": says}] * 3)
    plot = PLOTS["hypotheses"]
    figure = style.draw(plot, plot.table(findings(run)), Words())
    assert unreadable(figure) == []
    (axes,) = figure.axes
    ticks = [
        line.get_window_extent() for line in axes.lines if len(set(line.get_ydata())) == 2 and min(line.get_ydata()) > 0
    ]
    assert len(ticks) == 3
    for text in axes.texts:
        assert "`" not in text.get_text()
        assert not any(text.get_window_extent().overlaps(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (3.0, 3e6, [1e1, 1e2, 1e3, 1e4, 1e5, 1e6]),
        (300.0, 4000.0, [500.0, 1000.0, 2000.0]),
        (0.8, 6.0, [1.0, 2.0, 5.0]),
        (0.8, 3.5, [1.0, 1.5, 2.0, 3.0]),
        (1040.0, 1290.0, [1100.0, 1200.0]),
    ],
)
def test_a_logarithmic_axis_has_round_ticks_and_never_a_single_one(
    low: float, high: float, expected: list[float]
) -> None:
    assert style.log_ticks(low, high) == pytest.approx(expected)


def test_a_part_that_is_thin_is_not_hidden_by_its_own_edge() -> None:
    figure = Figure(figsize=(4, 1), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.barh([0], [1.0], **style.fill(0))  # one pixel of 400
    axes.set_axis_off()
    axes.set_xlim(0, 400)
    figure.canvas = FigureCanvasAgg(figure)
    figure.canvas.draw()
    colours = np.asarray(figure.canvas.buffer_rgba())[50, :3, :3]
    assert colours.min() < 30, "its white edge has hidden it"


def test_panels_that_are_held_against_each_other_have_one_scale(made: Callable[[str], Findings]) -> None:
    for name in ("latency_over_time", "response_spectrum"):
        figure = style.draw(PLOTS[name], PLOTS[name].table(made(name)), Words())
        assert len({axes.get_ylim() for axes in figure.axes if axes.get_visible()}) == 1


def test_a_figure_has_its_own_ground_in_a_notebook_and_the_pages_in_a_report(made: Callable[[str], Findings]) -> None:
    drawn = svg(made("cost"), "cost")
    assert "fill: #ffffff" in drawn, "black on nothing can't be read where the notebook is dark"
    assert "fill: #ffffff" not in style.inline(drawn, "cost"), "the report turns its figures dark with the page"


@pytest.mark.parametrize("says", ["It costs $5, not $6.", r"C:$\x$ and a$^$b"])
def test_what_people_write_is_drawn_as_they_write_it(says: str, tmp_path: Path) -> None:
    """Between two dollar signs matplotlib reads TeX, unless it is told not to: the second was no figure and no report."""
    run = made_run(tmp_path, CLAIM, hypotheses=[{**HYPOTHESES[0], "says": says}])
    assert says in svg(findings(run), "hypotheses")
