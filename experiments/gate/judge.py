"""What the pairs of one scenario say: the verdict, and every figure that stands beside it.

Pure: the same pairs give the same verdict, while the gate runs and years later from result.json. Looks are replayed in order:
what an earlier look decided stands, whatever came after.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

from experiments.gate.blame import ProcessCost, by_process
from experiments.gate.correctness import broken
from experiments.gate.looks import LOOKS, Look
from experiments.gate.metric import Metric
from experiments.gate.paired import Paired
from experiments.gate.power import minimum_detectable
from experiments.gate.rule import FAIL_ABOVE_RATIO, PASS_BELOW_RATIO, Finding, faster, finding
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Pair, counting, unfit

Verdict = Literal["FAIL", "PASS", "INCONCLUSIVE", "UNMEASURED"]


class MetricResult(msgspec.Struct, frozen=True, kw_only=True):
    """One gated metric. Changes are head / base - 1; None where there are too few pairs for one.

    `base`, `head`: medians over the counting pairs. `p_slower` belongs to `slower by more than 1 %`, `p_faster` to `slower by
    less than 5 %`. `accepted_ratio`: the change that was accepted on purpose, from which both count; None without one.
    """

    metric: str
    unit: str
    finding: Finding
    faster: bool
    base: float | None
    head: float | None
    change_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    pairs: int
    p_slower: float
    p_faster: float
    sd_pair: float | None
    position_ratio: float | None
    minimum_detectable_ratio: float | None
    accepted_ratio: float | None


class ScenarioResult(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. `verdict` is None while the gate goes on; `reason` says why it is that. `dropped`: by pair's number."""

    scenario: str
    verdict: Verdict | None
    reason: str
    looks_made: int
    metrics: list[MetricResult]
    processes: list[ProcessCost]
    dropped: dict[int, list[str]]


def judge(
    pairs: Sequence[Pair],
    scenario: Scenario,
    *,
    metrics: int,
    looks: tuple[Look, ...] = LOOKS,
    accepted: Mapping[str, float] | None = None,
    over: str | None = None,
) -> ScenarioResult:
    """The result so far.

    Args:
        pairs: all that were played of this scenario, the first one too, by number.
        metrics: gated metrics of the whole run: what levels are divided by.
        looks: when; none in a shard, which has a verdict only for what needs no statistics.
        accepted: metric -> change that was accepted on purpose, a ratio.
        over: why no more pairs come, so that there must be a verdict; None while they come.
    """
    accepted = accepted or {}
    counted = counting(pairs, scenario.gated)
    at, found, quicker = _replay(counted, scenario, metrics, looks, accepted)
    verdict: Verdict | None = None
    reason = ""
    if wrong := broken(pairs):
        verdict, reason = "FAIL", "; ".join(wrong)
    elif (unusable := unfit(pairs, scenario.gated)) is not None:
        verdict, reason = "UNMEASURED", unusable
    elif "slower" in found.values():
        names = ", ".join(name for name, one in found.items() if one == "slower")
        verdict, reason = "FAIL", f"{names}: slower by more than what is allowed, proven after {at} pairs"
    elif at and all(one == "not slower" for one in found.values()):
        verdict, reason = "PASS", f"a slowdown of 5 % or more is excluded, proven after {at} pairs"
    elif not looks:
        reason = over or ""  # a shard: its pairs are looked at when all are together
    elif over is not None or at == looks[-1].pairs:
        verdict = "INCONCLUSIVE" if at else "UNMEASURED"
        looked = f"neither a slowdown nor its absence was proven by the {at} pairs that were looked at"
        reason = (
            looked if at else f"no look was made: {len(counted)} pairs count, the first look wants {looks[0].pairs}"
        )
        reason += f" ({over})" if over else ""
    seen = counted[:at] if at else counted
    return ScenarioResult(
        scenario=scenario.name,
        verdict=verdict,
        reason=reason,
        looks_made=sum(look.pairs <= at for look in looks),
        metrics=[
            _metric(
                one,
                seen,
                found[one.name],
                quicker[one.name],
                metrics=metrics,
                accepted=accepted.get(one.name),
                looks=looks if verdict is not None else (),  # a simulation: not after each pair
            )
            for one in scenario.metrics
        ],
        processes=by_process([one for one in seen if not one.dropped(("cpu",))]),
        dropped={one.index: why for one in pairs if one.index > 0 and (why := one.dropped(scenario.gated))},
    )


def paired(pairs: Sequence[Pair], metric: Metric) -> Paired:
    """The evidence of pairs that count."""
    ratios = [
        metric.log_ratio(one.of("base").figures[metric.name] or 0.0, one.of("head").figures[metric.name] or 0.0)
        for one in pairs
    ]
    return Paired(ratios, [one.base_first for one in pairs])


def _replay(
    counted: Sequence[Pair], scenario: Scenario, metrics: int, looks: tuple[Look, ...], accepted: Mapping[str, float]
) -> tuple[int, dict[str, Finding], dict[str, bool]]:
    """The pairs of the last look that was made, what was found of each metric by then, and which was proven faster."""
    found: dict[str, Finding] = dict.fromkeys(scenario.gated, "unknown")
    quicker = dict.fromkeys(scenario.gated, False)
    at = 0
    for look in looks:
        if len(counted) < look.pairs:
            break
        at = look.pairs
        for metric in scenario.metrics:
            evidence = paired(counted[:at], metric)
            one = finding(evidence, metric, look, metrics, metric.slowdown(_loss(metric, accepted.get(metric.name))))
            if one == "slower" or found[metric.name] == "unknown":
                found[metric.name] = one
            quicker[metric.name] |= faster(evidence, metric, look, metrics)
        if "slower" in found.values() or all(one == "not slower" for one in found.values()):
            break
    return at, found, quicker


def _loss(metric: Metric, change: float | None) -> float:
    """The slowdown, a ratio of at least 0, that an accepted change is."""
    return 0.0 if change is None else max(0.0, -change if metric.more_is_better else change)


def _metric(
    metric: Metric,
    counted: Sequence[Pair],
    found: Finding,
    quicker: bool,
    *,
    looks: tuple[Look, ...],
    metrics: int,
    accepted: float | None,
) -> MetricResult:
    evidence = paired(counted, metric)
    origin = metric.slowdown(_loss(metric, accepted))
    interval = evidence.interval()
    changes = None if interval is None else sorted(metric.change(end) for end in interval)
    values = {
        side: median(one.of(side).figures[metric.name] or 0.0 for one in counted) if counted else None
        for side in ("base", "head")
    }  # fmt: skip
    return MetricResult(
        metric=metric.name,
        unit=metric.unit,
        finding=found,
        faster=quicker,
        base=values["base"],
        head=values["head"],
        change_ratio=None if evidence.estimate is None else metric.change(evidence.estimate),
        low_ratio=None if changes is None else changes[0],
        high_ratio=None if changes is None else changes[1],
        pairs=evidence.n,
        p_slower=evidence.p_slower(origin + metric.slowdown(FAIL_ABOVE_RATIO)),
        p_faster=evidence.p_faster(origin + metric.slowdown(PASS_BELOW_RATIO)),
        sd_pair=evidence.sd,
        position_ratio=None if evidence.position is None else metric.change(evidence.position),
        minimum_detectable_ratio=minimum_detectable(evidence.sd, metric, looks, metrics)
        if looks and evidence.sd is not None
        else None,
        accepted_ratio=accepted,
    )
