"""A run's hypotheses, each fixed in its config before the run, and what the trials say: supported, refuted or inconclusive.

With an alternative: the design is at least `margin` times as good in one figure. What is judged is the ratio of geometric
means of the two cells, paired by block, against the margin: supported if its interval lies above, refuted if below,
inconclusive if it holds the margin. Intervals that judge are widened so that all verdicts of a run hold together at 5 %
(Bonferroni).

With a limit: the design's figure is within it in every trial. One valid trial beyond refutes that; five within support it.
An invalid trial, and one in which the system died, says nothing.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from scipy.stats import t as student

from experiments.analysis.measures import MEASURES
from experiments.analysis.naming import cell_name
from experiments.metrics.trial import TrialSummary
from experiments.stats.estimate import LEAST_TRIALS, Estimate, estimate
from experiments.stats.ratio import Ratio, ratio

Decision: TypeAlias = Literal["supported", "refuted", "inconclusive"]


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[experiment.hypotheses]]`. `design` and `alternative` are cells, by the names that tables call them."""

    says: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    figure: str
    design: str
    alternative: str | None = None
    margin: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    at_most: Annotated[float, msgspec.Meta(ge=0)] | None = None
    at_least: Annotated[float, msgspec.Meta(ge=0)] | None = None


class HypothesisFound(msgspec.Struct, frozen=True, kw_only=True):
    """A hypothesis, the figures of its cells, and the verdict. `advantage`: how many times as good the design is.

    `judged_low`, `judged_high`: its interval as widened for all verdicts of the run, which is held against the margin.
    """

    says: str
    figure: str
    design: str
    alternative: str | None
    rule: str
    margin: float
    of_design: Estimate
    of_alternative: Estimate | None
    advantage: Ratio | None
    judged_low: float | None
    judged_high: float | None
    decision: Decision
    because: str


def hypotheses(told: Sequence[Mapping[str, Any]], trials: Sequence[TrialSummary]) -> list[HypothesisFound]:
    """Judges a run's hypotheses, in their order. `told`: as the manifest has them."""
    asked = [msgspec.convert(one, Hypothesis) for one in told]
    return [_judged(one, trials, len(asked)) for one in asked]


def decided(found: Sequence[HypothesisFound]) -> Decision | None:
    """The verdict on all together: refuted if one is, supported if all are; None where nothing was asked."""
    if not found:
        return None
    decisions = {one.decision for one in found}
    if "refuted" in decisions:
        return "refuted"
    return "supported" if decisions == {"supported"} else "inconclusive"


def _judged(asked: Hypothesis, trials: Sequence[TrialSummary], comparisons: int) -> HypothesisFound:
    design = _figures(asked.figure, asked.design, trials)
    other = None if asked.alternative is None else _figures(asked.figure, asked.alternative, trials)
    if other is None:
        advantage, rule = None, _limit(asked)
        decision, because = _within(asked, list(design.values()))
    else:
        advantage, rule = _advantage(asked, design, other), f"at least {asked.margin:g} times as good"
        decision, because = _against(asked, design, other, comparisons)
    widened = (None, None) if advantage is None else _widened(advantage, comparisons)
    return HypothesisFound(
        says=asked.says,
        figure=asked.figure,
        design=asked.design,
        alternative=asked.alternative,
        rule=rule,
        margin=asked.margin,
        of_design=estimate(list(design.values())),
        of_alternative=None if other is None else estimate(list(other.values())),
        advantage=advantage,
        judged_low=widened[0],
        judged_high=widened[1],
        decision=decision,
        because=because,
    )


def _figures(figure: str, cell: str, trials: Sequence[TrialSummary]) -> dict[int, float]:
    """A cell's figure by block, over the trials that count."""
    return {
        trial.replicate: value
        for trial in trials
        if cell_name(trial.cell) == cell and trial.counts and (value := MEASURES[figure].of(trial)) is not None
    }


def _advantage(
    asked: Hypothesis,
    design: Mapping[int, float],
    other: Mapping[int, float],
    comparisons: int = 1,
    margin: float = 1.0,
) -> Ratio:
    """How many times as good the design is, in units of the margin: above 1 it is better than that."""
    blocks = sorted(design.keys() & other.keys())
    mine, theirs = [design[block] for block in blocks], [other[block] for block in blocks]
    if MEASURES[asked.figure].higher_is_better:
        return ratio([margin * value for value in theirs], mine, paired=True, comparisons=comparisons)
    return ratio([margin * value for value in mine], theirs, paired=True, comparisons=comparisons)


def _widened(one: Ratio, comparisons: int) -> tuple[float | None, float | None]:
    """The bounds of a paired ratio's interval at 5 % over so many verdicts together."""
    if one.value is None or one.low is None or one.high is None:
        return None, None
    freedom = one.n_first - 1
    factor = float(student.ppf(1 - 0.025 / comparisons, freedom) / student.ppf(0.975, freedom))
    return one.value * (one.low / one.value) ** factor, one.value * (one.high / one.value) ** factor


def _against(
    asked: Hypothesis, design: Mapping[int, float], other: Mapping[int, float], comparisons: int
) -> tuple[Decision, str]:
    held = _advantage(asked, design, other, comparisons, asked.margin)
    blocks = design.keys() & other.keys()
    mine, theirs = (sum(math.isinf(values[block]) for block in blocks) for values in (design, other))
    if len(blocks) >= LEAST_TRIALS and {mine, theirs} == {0, len(blocks)}:
        if mine:
            return "refuted", "the design is beyond measure in every block, the alternative in none"
        return "supported", "the alternative is beyond measure in every block, the design in none"
    if mine or theirs:
        return (
            "inconclusive",
            f"of {len(blocks)} blocks beyond measure: {mine} of the design, {theirs} of the alternative",
        )
    if held.value is None or held.differs is None:
        return "inconclusive", f"no interval: {held.method}"
    if not held.differs:
        return "inconclusive", f"the interval, widened for {comparisons} verdicts, holds {asked.margin:g}"
    if held.value > 1:
        return "supported", f"the interval lies above {asked.margin:g}"
    return "refuted", f"the interval lies below {asked.margin:g}"


def _limit(asked: Hypothesis) -> str:
    return (
        f"at most {asked.at_most:g} in every trial"
        if asked.at_most is not None
        else f"at least {asked.at_least:g} in every trial"
    )


def _within(asked: Hypothesis, values: Sequence[float]) -> tuple[Decision, str]:
    most = float("inf") if asked.at_most is None else asked.at_most
    least = float("-inf") if asked.at_least is None else asked.at_least
    beyond = sum(not least <= value <= most for value in values)
    if beyond:
        return "refuted", f"{beyond} of {len(values)} trials are beyond it"
    if len(values) < LEAST_TRIALS:
        return "inconclusive", f"{len(values)} trials are within it, and {LEAST_TRIALS} are asked for"
    return "supported", f"all {len(values)} trials are within it"
