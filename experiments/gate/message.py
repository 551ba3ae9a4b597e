"""What a failing job says: what, how much, how sure, against how much noise, which process, and how to go on from there."""

from collections.abc import Iterator

from experiments.gate.blame import blamed
from experiments.gate.commits import TRAILER
from experiments.gate.judge import MetricResult, ScenarioResult
from experiments.gate.metric import METRICS
from experiments.gate.result import GateResult
from experiments.gate.rule import FAIL_ABOVE_RATIO


def per_cent(ratio: float | None, digits: int = 1) -> str:
    """`+3.1 %`; a dash for what isn't known."""
    return "–" if ratio is None else f"{ratio * 100:+.{digits}f} %"


def interval(one: MetricResult) -> str:
    """`-9.1 % to -7.2 %`, or a dash."""
    return "–" if one.low_ratio is None else f"{per_cent(one.low_ratio)} to {per_cent(one.high_ratio)}"


def amount(value: float | None, unit: str) -> str:
    """`298,341 records/s`, `4.043 us CPU a record`, or a dash."""
    return "–" if value is None else f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.4g} {unit}"


def noise(one: MetricResult) -> str:
    """How far pairs scatter, what the place does, and what can be found through that."""
    sd = "–" if one.sd_pair is None else f"{one.sd_pair * 100:.1f} %"
    least = one.minimum_detectable_ratio
    found = "–" if least is None else f"{least * 100:.1f} %"
    return f"sd(pair) {sd}, second place {per_cent(one.position_ratio)}, slowdown found four times in five: {found}"


def failures(result: GateResult) -> Iterator[tuple[str, str]]:
    """What failed, as (`SCENARIO/METRIC`, message): each slower metric; `SCENARIO/records` for what went wrong with those."""
    for scenario in result.scenarios:
        if scenario.verdict != "FAIL":
            continue
        slower = [one for one in scenario.metrics if one.finding == "slower"]
        if not slower:
            yield f"{scenario.scenario}/records", f"{scenario.reason}\nreproduce: {reproduce(result, scenario)}"
        for one in slower:
            yield f"{scenario.scenario}/{one.metric}", _slower(result, scenario, one)


def reproduce(result: GateResult, scenario: ScenarioResult | None = None) -> str:
    """The command that plays this again, with the same coins and loads."""
    chosen = [scenario] if scenario is not None else result.scenarios
    names = "".join(f" --scenario {one.scenario}" for one in chosen)
    return f"caudal gate --base {result.base.commit[:12]} --head {result.head.commit[:12]}{names} --seed {result.seed}"


def accept(scenario: str, one: MetricResult) -> str:
    """The line in a commit's message that accepts what was found."""
    metric = METRICS[one.metric]
    # The far end of the interval: what is accepted is what the change may really be.
    far = one.low_ratio if metric.more_is_better else one.high_ratio
    change = one.change_ratio if far is None else far
    return f"{TRAILER}: {scenario}/{one.metric} {(change or 0.0) * 100:+.0f}%"


def _slower(result: GateResult, scenario: ScenarioResult, one: MetricResult) -> str:
    accepted = "" if one.accepted_ratio is None else f" beside the accepted {per_cent(one.accepted_ratio)}"
    return "\n".join(
        (
            f"{one.metric} changed by {per_cent(one.change_ratio)} (95 % interval {interval(one)}), from "
            f"{amount(one.base, one.unit)} to {amount(one.head, one.unit)}",
            f"a slowdown of more than {FAIL_ABOVE_RATIO:.0%}{accepted} is proven by {one.pairs} pairs, "
            f"p = {one.p_slower:.2g}; an unchanged head fails in at most {result.false_alarm_ratio * 100:.2f} % of such runs",
            f"noise: {noise(one)}",
            blamed(scenario.processes),
            f"reproduce: {reproduce(result, scenario)}",
            f"to accept it on purpose, put this line at the end of a commit's message: {accept(scenario.scenario, one)}",
        )
    )
