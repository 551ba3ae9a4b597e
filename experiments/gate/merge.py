"""Shards put together: their pairs as though one runner had played them, and one look that spends all of both levels.

A pair lies within one runner, and its coin is its own: so pairs of different machines may stand beside one another, and the
test stays exact. How many pairs there are follows from time alone, not from what they say.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from experiments.gate import outputs
from experiments.gate.commits import GateError
from experiments.gate.judge import ScenarioResult, judge
from experiments.gate.looks import LOOKS, single
from experiments.gate.result import GateResult, overall
from experiments.gate.run import by_scenario
from experiments.gate.scenario import Scenario
from experiments.gate.signed_rank import attained
from experiments.gate.slot import counting


def merge(folders: Sequence[Path]) -> GateResult:
    """The result of all shards.

    Raises: GateError if they aren't all the shards of one run.
    """
    found = [_read(folder) for folder in folders]
    first = found[0]
    for folder, one in zip(folders, found, strict=True):
        for name in ("base", "head", "seed", "harness", "gated_metrics"):
            if getattr(one, name) != getattr(first, name):
                raise GateError(
                    f"--merge must name shards of one run, but {name} of {folder} is {getattr(one, name)} and that of "
                    f"{folders[0]} is {getattr(first, name)}; play all shards of the same commits with one --seed"
                )
    _complete([one.shard for one in found])
    if passed := [one for one in found if one.verdict == "PASS"]:
        return passed[0]  # nothing that runs differs: each shard says so
    if all(not one.scenarios for one in found):
        return first
    accepted = by_scenario(first.accepted)
    results, false_alarm, missed = [], 0.0, 0.0
    # A shard that ended early names those alone that it got to.
    for told in {one.scenario: one for shard in reversed(found) for one in shard.scenarios}.values():
        scenario = Scenario(
            name=told.scenario, config=told.scenario, gated=tuple(one.metric for one in told.metrics), slot_s=0.0
        )
        pairs = sorted(
            (pair for one in found for pair in one.pairs if pair.scenario == told.scenario), key=lambda one: one.index
        )
        count = max(LOOKS[0].pairs, len(counting(pairs, scenario.gated)))
        look = single(count)
        results.append(
            judge(
                pairs, scenario, metrics=first.gated_metrics, looks=look, accepted=accepted.get(told.scenario),
                over=f"{len(found)} shards were merged",
            )
        )  # fmt: skip
        false_alarm += len(scenario.gated) * attained(count, look[0].fail / first.gated_metrics)
        missed = max(missed, attained(count, look[0].passing))
    return _whole(found, results, false_alarm, missed)


def _whole(found: Sequence[GateResult], results: list[ScenarioResult], false_alarm: float, missed: float) -> GateResult:
    verdict, reason = overall(results)
    early = [one for one in found if one.verdict in ("UNMEASURED", "INTERRUPTED")]
    if early and verdict != "FAIL":
        verdict, reason = "UNMEASURED", f"shard {early[0].shard} ended early: {early[0].reason}"
    return msgspec.structs.replace(
        found[0],
        verdict=verdict,
        reason=reason,
        begun_utc=min(one.begun_utc for one in found),
        finished_utc=max(one.finished_utc for one in found),
        machine={one.shard or "": one.machine for one in found},
        false_alarm_ratio=false_alarm,
        missed_ratio=missed,
        looks=(),
        rates_per_s={f"{name}, shard {one.shard}": rate for one in found for name, rate in one.rates_per_s.items()},
        scenarios=results,
        pairs=[pair for one in found for pair in one.pairs],
        shard=None,
    )


def _read(folder: Path) -> GateResult:
    path = folder / outputs.RESULT
    try:
        return outputs.read(path)
    except OSError as error:
        raise GateError(f"--merge must name folders with a {outputs.RESULT}, got {folder}: {error.strerror}") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise GateError(f"--merge must name folders of this Caudal's results, got {path}: {error}") from None


def _complete(shards: Sequence[str | None]) -> None:
    """Raises: GateError unless each shard of one number is there once."""
    told = sorted(str(one) for one in shards)
    of = told[0].partition("/")[2]
    if not of or told != sorted(f"{number}/{of}" for number in range(1, int(of) + 1)):
        raise GateError(
            f"--merge must name every shard once, got {', '.join(told)}; play what is missing, or name it once"
        )
