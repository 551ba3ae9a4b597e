"""Plays pairs until every scenario has its verdict, one has failed, or the time is up. Two nested loops and no statistics.

Scenarios take turns, pair by pair, so that each gets its looks early and none has all of the machine's bad hour. A FAIL ends
it all: the answer is known. What was played is handed on after each pair, so that an interrupt loses one pair at most.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from experiments.gate.coin import base_first
from experiments.gate.judge import ScenarioResult, judge
from experiments.gate.looks import LOOKS, Look
from experiments.gate.runner import SlotRunner
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Pair, Side

Clock = Callable[[], float]

INTERRUPTED: Final = "interrupted"


class Played(msgspec.Struct, kw_only=True):
    """What was played so far, and what it says. `rates`: records/s that were offered where they follow base's capacity."""

    pairs: dict[str, list[Pair]]
    results: dict[str, ScenarioResult]
    rates: dict[str, float]
    interrupted: bool = False


class Shard(NamedTuple):
    """The `number`th of `of` runners, from 1: it plays the pairs number, number + of, ... behind a first one of its own."""

    number: int
    of: int

    def pair(self, count: int) -> int:
        """The number of the pair that is played when `count` were: the first is 0, everywhere."""
        return count and self.number + (count - 1) * self.of

    def pairs(self, all_pairs: int) -> int:
        """How many of so many counting pairs are its own, at most: shards are of one size."""
        return -(-all_pairs // self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE: Final = Shard(1, 1)


def expected_s(scenarios: Sequence[Scenario], pairs: int) -> float:
    """How long so many counting pairs of each scenario take, about, with what comes before them."""
    return sum(one.slot_s * (2 * (pairs + 1) + (one.of_capacity is not None)) for one in scenarios)


def play(
    scenarios: Sequence[Scenario],
    runner: SlotRunner,
    *,
    seed: int,
    budget_s: float,
    accepted: Mapping[str, Mapping[str, float]],
    looks: tuple[Look, ...] = LOOKS,
    shard: Shard = WHOLE,
    resumed: Mapping[str, Sequence[Pair]] | None = None,
    clock: Clock = time.monotonic,
    watch: Callable[[Played, Scenario | None], None] = lambda _played, _next: None,
) -> Played:
    """Plays to the end.

    Args:
        seed: of coins and loads.
        budget_s: no pair begins that would pass this time.
        shard: with others beside it nothing is looked at here, and it plays its share of the last look's pairs.
        accepted: scenario -> metric -> change that was accepted on purpose.
        resumed: scenario -> pairs that an earlier sitting played of this very run; it goes on behind them.
        watch: told before each pair, with its scenario, and after it.

    Raises: SideError: a side can't be run or spoken to.
    """
    begun = clock()
    metrics = sum(len(one.gated) for one in scenarios)
    found = Played(pairs={one.name: list((resumed or {}).get(one.name, ())) for one in scenarios}, results={}, rates={})
    took = {one.name: 2 * one.slot_s for one in scenarios}

    ended: set[str] = set()
    share = shard.pairs(looks[-1].pairs)
    told = looks if shard.of == 1 else ()

    def look(one: Scenario, over: str | None = None) -> ScenarioResult:
        result = judge(
            found.pairs[one.name], one, metrics=metrics, looks=told, accepted=accepted.get(one.name), over=over
        )
        found.results[one.name] = result
        if over is not None or result.verdict is not None:
            ended.add(one.name)
        return result

    def undecided() -> list[Scenario]:
        return [one for one in scenarios if one.name not in ended]

    try:
        for one in scenarios:
            watch(found, one)
            rate = runner.calibrate(one)
            if rate is not None:
                found.rates[one.name] = rate
        while waiting := undecided():
            for one in waiting:
                if clock() - begun + took[one.name] > budget_s:
                    look(one, f"the budget of {budget_s / 60:g} min is spent")
                    continue
                watch(found, one)
                before = clock()
                played = found.pairs[one.name]
                played.append(_pair(one, runner, seed, shard.pair(len(played))))
                took[one.name] = clock() - before
                full = shard.of > 1 and len(played) > share
                verdict = look(one, f"shard {shard}: {share} pairs to be merged" if full else None).verdict
                watch(found, None)
                if verdict == "FAIL":
                    for other in undecided():
                        look(other, f"{one.name} failed")
                    return found
    except KeyboardInterrupt:
        found.interrupted = True
        for one in undecided():
            look(one, INTERRUPTED)
    return found


def _pair(scenario: Scenario, runner: SlotRunner, seed: int, index: int) -> Pair:
    first = base_first(seed, scenario.name, index)
    order: tuple[Side, Side] = ("base", "head") if first else ("head", "base")
    slots = (runner.run(scenario, order[0], 1, index), runner.run(scenario, order[1], 2, index))
    return Pair(scenario=scenario.name, index=index, base_first=first, slots=slots)
