"""A run's hypotheses in report.html: the verdict on all, then each with its rule, its figures and why it was decided so."""

from collections.abc import Iterator, Sequence
from typing import Final

from experiments.analysis.hypotheses import HypothesisFound
from experiments.analysis.measures import MEASURES
from experiments.plots.words import Words
from experiments.report.table import table
from experiments.report.view import View, figure
from experiments.stats.estimate import Estimate
from experiments.stats.ratio import Ratio

_NOTE: Final = (
    "<p>Each was fixed in the config before the run, with its margin. Ratios are of geometric means, paired by block, with"
    " 95 % intervals; what decides is that interval widened for all verdicts together.</p>"
)


def hypotheses_section(view: View) -> Iterator[str]:
    """The section without its heading; nothing where the config has no hypothesis."""
    found = view.summary
    if found.decision is None:
        return
    yield f"<p>The design is <b>{found.decision}</b>.</p>"
    yield figure(view, "hypotheses", "How many times as good the design is as its alternative.")
    yield hypotheses_table(found.hypotheses)
    yield _NOTE


def hypotheses_table(found: Sequence[HypothesisFound]) -> str:
    """A row a hypothesis."""
    head = [
        "hypothesis",
        "verdict",
        "times as good",
        "judged by",
        "rule",
        "because",
        "figure",
        "design",
        "",
        "alternative",
        "",
    ]
    return table(head, (_row(one) for one in found))


def _row(one: HypothesisFound) -> list[object]:
    measure = MEASURES[one.figure]
    return [
        one.says,
        one.decision,
        None if one.advantage is None else times(one.advantage),
        None if one.judged_low is None else f"{one.judged_low:.2f} to {one.judged_high:.2f}",
        one.rule,
        one.because,
        f"{measure.name}, {measure.unit}",
        one.design,
        _estimate(one.of_design),
        one.alternative,
        None if one.of_alternative is None else _estimate(one.of_alternative),
    ]


def times(one: Ratio) -> str:
    """An advantage as people read it."""
    if one.value is None or one.low is None or one.high is None:
        return str(one)
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def decision_line(found: Sequence[HypothesisFound], decision: str) -> str:
    """One line of plain text: the verdict, and how many hypotheses fell which way."""
    counts = {word: sum(one.decision == word for one in found) for word in ("supported", "refuted", "inconclusive")}
    return f"{decision.upper()}: " + ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _estimate(one: Estimate) -> str:
    if one.value is None:
        return one.method
    value, low, high = (None if end is None else Words().significant(end, 4) for end in (one.value, one.low, one.high))
    return f"{value}" if low is None or high is None else f"{value} [{low}, {high}]"
