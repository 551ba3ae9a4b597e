"""All of a gate's run, as it stands in result.json: every raw slot, coins, seed, and what was made of them."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from experiments.gate.commits import Accepted
from experiments.gate.judge import ScenarioResult
from experiments.gate.looks import LOOKS, Look
from experiments.gate.slot import Pair

GateVerdict = Literal["FAIL", "PASS", "INCONCLUSIVE", "UNMEASURED", "INTERRUPTED", "PARTIAL"]

SCHEMA_VERSION = 1


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A side as it was asked for, and the commit that this was."""

    revision: str
    commit: str


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the gate. `harness` is the commit of the Caudal that played, None outside a checkout.

    `false_alarm_ratio` and `missed_ratio` bound the two error probabilities of this very run; `rates_per_s` are the loads
    that followed base's capacity. `shard` is None, or which share of the pairs was played: 1/4.
    """

    schema_version: int = SCHEMA_VERSION
    verdict: GateVerdict
    reason: str
    base: Revision
    head: Revision
    harness: str | None
    command: str
    seed: int
    budget_s: float
    begun_utc: str
    finished_utc: str
    machine: dict[str, Any]
    gated_metrics: int
    false_alarm_ratio: float
    missed_ratio: float
    looks: tuple[Look, ...] = LOOKS
    accepted: list[Accepted] = []
    rates_per_s: dict[str, float] = {}
    shard: str | None = None
    scenarios: list[ScenarioResult] = []
    pairs: list[Pair] = []


def overall(results: Sequence[ScenarioResult], *, interrupted: bool = False) -> tuple[GateVerdict, str]:
    """The verdict over all scenarios, the worst news first, and why."""
    order: tuple[GateVerdict, ...] = ("FAIL", "UNMEASURED", "INCONCLUSIVE")
    if interrupted and not any(one.verdict == "FAIL" for one in results):
        return "INTERRUPTED", "interrupted; the pairs that were played are kept"
    for verdict in order:
        told = [f"{one.scenario}: {one.reason}" for one in results if one.verdict == verdict]
        if told:
            return verdict, "; ".join(told)
    if any(one.verdict is None for one in results):
        return "PARTIAL", "; ".join(f"{one.scenario}: {one.reason}" for one in results)
    return "PASS", "; ".join(f"{one.scenario}: {one.reason}" for one in results)
