"""What a run was to decide: how many times as good the design is as its alternative, and the margin fixed beforehand.

A line a hypothesis. Right of its margin (the tick) with the whole interval is supported, left of it refuted.
"""

from collections.abc import Sequence
from typing import Final

from experiments.analysis.findings import Findings
from experiments.analysis.naming import cell_name
from experiments.plots.plot import Axes, Layout, Plot, Row, Table
from experiments.plots.style import BLUE, GREEN, GREY, VERMILION, plain_numbers, sentence
from experiments.plots.words import Words

_COLOURS: Final = {"supported": GREEN, "refuted": VERMILION, "inconclusive": GREY}
_MARKERS: Final = {"supported": "o", "refuted": "s", "inconclusive": "D"}
_WIDTH_IN: Final = 8.0

#: Of a line of text, and of a hypothesis's bar with its margin.
_LINE_IN: Final = 0.15
_MARKS_IN: Final = 0.36


def table(found: Findings) -> Table:
    """A row a hypothesis that compares two cells."""
    made: Table = []
    for one in found.summary.hypotheses:
        if one.advantage is None or one.advantage.value is None:
            continue
        mine = [trial for trial in found.summary.trials if cell_name(trial.cell) in (one.design, one.alternative)]
        made.append(
            {
                "hypothesis": one.says,
                "figure": one.figure,
                "design": one.design,
                "alternative": one.alternative,
                "advantage_ratio": one.advantage.value,
                "low": one.advantage.low,
                "high": one.advantage.high,
                "judged_low": one.judged_low,
                "judged_high": one.judged_high,
                "n": one.advantage.n_first,
                "margin_ratio": one.margin,
                "decision": one.decision,
                "invalid_trials": sum(not trial.valid for trial in mine),
            }
        )
    return made


def _lines(row: Row, say: Words) -> list[str]:
    """What stands above a hypothesis's line: the sentence, then its verdict."""
    times = say("times", ratio=say.significant(row["advantage_ratio"]))
    told = f"{say(row['decision'])}, {times}, {say('n', n=row['n'])}"
    if row["invalid_trials"]:
        told += f", {say('some_invalid', count=row['invalid_trials'])}"
    if row["low"] is None:
        told += f", {say('no_interval')}"
    return [*sentence(row["hypothesis"], _WIDTH_IN), told]


def layout(table: Table) -> Layout:
    """Room for the sentences above each line."""
    return Layout(_WIDTH_IN, 0.95 + sum(_height_in(row, Words()) for row in table))


def _height_in(row: Row, say: Words) -> float:
    return _MARKS_IN + _LINE_IN * len(_lines(row, say))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """The first hypothesis on top, on a logarithmic axis of ratios; heights are inches."""
    (axes,) = panels
    top = 0.0
    for row in table:
        colour = _COLOURS[row["decision"]]
        place = top + _height_in(row, say) - _MARKS_IN / 2
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=6, alpha=0.4)
            axes.plot([row["judged_low"], row["judged_high"]], [place, place], color=colour, linewidth=1)
        axes.plot([row["advantage_ratio"]], [place], _MARKERS[row["decision"]], color=colour, markersize=7)
        axes.plot([row["margin_ratio"]] * 2, [place - 0.12, place + 0.12], color=BLUE, linewidth=1.6)
        axes.text(
            0.0, top + 0.02, "\n".join(_lines(row, say)), transform=axes.get_yaxis_transform(), fontsize=8, va="top"
        )
        top += _height_in(row, say)
    names = ("advantage_ratio", "judged_low", "judged_high", "margin_ratio")
    ends = [1.0, *(row[name] for row in table for name in names)]
    known = [value for value in ends if value]
    axes.set_xscale("log")
    axes.set_xlim(min(known) / 1.3, max(known) * 1.3)
    axes.axvline(1.0, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks([])
    axes.set_ylim(top, -0.05)
    axes.spines["left"].set_visible(False)
    plain_numbers(axes.xaxis, say, log=True)
    axes.set_xlabel(f"{say('times_as_good')}\n{say('margin_marks')}")


PLOT = Plot("hypotheses", table, layout, draw)
