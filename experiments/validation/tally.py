"""What all verdicts say together, with exact bounds: false alarms, power, coverage, spread, the place's effect.

Every share stands with its Clopper-Pearson interval: with few verdicts that interval is wide, and it is the claim.
Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404-413.
"""

from collections.abc import Sequence
from statistics import median

import msgspec
from scipy import stats

from experiments.gate.judge import MetricResult, ScenarioResult
from experiments.gate.metric import METRICS
from experiments.gate.slot import counting
from experiments.validation.plant import PLANTS
from experiments.validation.today import RULES, figures
from experiments.validation.verdict import Verdict


class Share(msgspec.Struct, frozen=True):
    """`hits` of `of`, and the exact 95 % interval of the probability behind it."""

    hits: int
    of: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Clopper-Pearson's interval; 0 to 1 where nothing was tried."""
        if not self.of:
            return 0.0, 1.0
        found = stats.binomtest(self.hits, self.of).proportion_ci(0.95, "exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.bounds
        return f"{self.hits} of {self.of} ({low:.1%} to {high:.1%})"


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """All verdicts of one plant in one scenario. `named`: of the FAILs, those that name the planted process first.

    `covered`: intervals of a metric that hold the truth, known only where nothing was planted. `sd_pair`, `position`: by
    metric the least, the median and the largest. `today`: by rule, verdicts that it calls slower.
    """

    plant: str
    scenario: str
    unfinished: int
    verdicts: dict[str, Share]
    named: Share
    covered: Share | None
    sd_pair: dict[str, tuple[float, float, float]]
    position: dict[str, tuple[float, float, float]]
    today: dict[str, Share]


def tallies(verdicts: Sequence[Verdict]) -> list[Tally]:
    """One a plant and scenario that has a finished verdict, in the plants' order."""
    judged = [(one, one.judged()) for one in verdicts]
    keys = sorted({(list(PLANTS).index(one.plant), one.plant, one.scenario) for one in verdicts})
    stored = _stored(judged)
    return [
        _tally(
            plant, scenario, [pair for pair in judged if (pair[0].plant, pair[0].scenario) == (plant, scenario)], stored
        )
        for _, plant, scenario in keys
    ]


def _tally(
    plant: str,
    scenario: str,
    all_of: list[tuple[Verdict, ScenarioResult]],
    stored: dict[tuple[str, int], dict[str, float]],
) -> Tally:
    judged = [(one, found) for one, found in all_of if found.verdict is not None]
    measured = [metric for _, found in judged for metric in found.metrics if found.verdict != "UNMEASURED"]
    failed = [found for _, found in judged if found.verdict == "FAIL"]
    planted = PLANTS[plant].process
    return Tally(
        plant=plant,
        scenario=scenario,
        unfinished=len(all_of) - len(judged),
        verdicts={
            word: Share(sum(found.verdict == word for _, found in judged), len(judged))
            for word in ("FAIL", "PASS", "INCONCLUSIVE", "UNMEASURED")
        },
        named=Share(sum(bool(one.processes) and one.processes[0].process == planted for one in failed), len(failed)),
        covered=None if planted else _covered(measured),
        sd_pair=_by_metric(measured, "sd_pair"),
        position=_by_metric(measured, "position_ratio"),
        today={rule: _today(rule, judged, stored) for rule in RULES},
    )


def _stored(judged: list[tuple[Verdict, ScenarioResult]]) -> dict[tuple[str, int], dict[str, float]]:
    """By verdict: base's medians of the verdict that was begun before it in the same scenario; the first has none."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    last: dict[str, dict[str, float]] = {}
    for one, _ in sorted((pair for pair in judged if pair[0].sittings), key=lambda pair: pair[0].sittings[0].begun_utc):
        found[one.plant, one.number] = last.get(one.scenario, {})
        if counted := counting(one.pairs, one.gated):
            last[one.scenario] = {name: median(figures(counted, "base", METRICS[name])) for name in one.gated}
    return found


def _today(
    rule: str, judged: list[tuple[Verdict, ScenarioResult]], stored: dict[tuple[str, int], dict[str, float]]
) -> Share:
    """Verdicts that a rule calls slower, by any metric; those that it can't judge are left out."""
    found = []
    for one, _ in judged:
        counted = counting(one.pairs, one.gated)
        known = stored.get((one.plant, one.number), {})
        said = [RULES[rule](counted, METRICS[name], known.get(name)) for name in one.gated] if counted else [None]
        if None not in said:
            found.append(any(said))
    return Share(sum(found), len(found))


def _covered(measured: Sequence[MetricResult]) -> Share:
    known = [
        (one.low_ratio, one.high_ratio) for one in measured if one.low_ratio is not None and one.high_ratio is not None
    ]
    return Share(sum(low <= 0 <= high for low, high in known), len(known))


def _by_metric(measured: Sequence[MetricResult], name: str) -> dict[str, tuple[float, float, float]]:
    found: dict[str, list[float]] = {}
    for one in measured:
        if (value := getattr(one, name)) is not None:
            found.setdefault(one.metric, []).append(value)
    return {metric: _three(values) for metric, values in found.items()}


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    """The least, the median and the largest; zeros where there is none."""
    return (min(values), float(median(values)), max(values)) if values else (0.0, 0.0, 0.0)
