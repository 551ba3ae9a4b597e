"""Pairs as the gate plays them, made up: for tests of what is decided and told by them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.gate.coin import base_first
from experiments.gate.runner import SlotRunner
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Pair, Position, Side, Slot

HEAVY = Scenario(name="gate-heavy", config="gate-heavy", gated=("throughput", "cpu"), slot_s=11.0)
LATENCY = Scenario(name="gate-latency", config="gate-latency", gated=("p99",), slot_s=11.0, of_capacity=0.6)

COST = {"gateway": 0.6, "broker": 0.4, "workers": 2.9, "sweeper": 0.1}


def slot_of(
    side: str,
    position: int,
    slowdown: float = 0.0,
    noise: float = 0.0,
    cost: Mapping[str, float] = COST,
    **other: object,
) -> Slot:
    """A slot at full load that carries 300,000 records/s, slowed down by a ratio."""
    scale = float(np.exp(noise))
    cpu = {name: one * scale for name, one in cost.items()}
    figures = {
        "throughput": 300_000 * (1 - slowdown) / scale,
        "cpu": sum(cpu.values()),
        "p99": 0.2 * (1 + slowdown) * scale,
    }
    return Slot(side=side, position=position, figures=figures, cpu_us_per_record=cpu, wall_s=11.0, **other)  # type: ignore[arg-type]


def pairs_of(
    count: int,
    *,
    slowdown: float = 0.0,
    workers: float = 0.0,
    sd: float = 0.02,
    seed: int = 3,
    scenario: str = "gate-heavy",
    spoil: Sequence[int] = (),
) -> list[Pair]:
    """`count` pairs beside the first. `slowdown`, a ratio, of head's throughput and p99; `workers`, of their CPU a record."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    cost = {**COST, "workers": COST["workers"] * (1 + workers)}
    found = []
    for index in range(count + 1):
        first = base_first(seed, scenario, index)
        order = ("base", "head") if first else ("head", "base")
        slots = tuple(
            slot_of(
                side,
                position,
                slowdown if side == "head" else 0.0,
                float(draws.normal(0, sd / 2**0.5)) + 0.03 * (position == 2),
                cost if side == "head" else COST,
                spoiled=("send lag: the swarm was late",) if index in spoil and position == 2 else (),
            )
            for position, side in enumerate(order, 1)
        )
        found.append(Pair(scenario=scenario, index=index, base_first=first, slots=slots))  # type: ignore[arg-type]
    return found


class Fake(SlotRunner):
    """Slots of so many seconds on a clock of its own. `made` gives each slot, from scenario, side, place and pair."""

    def __init__(self, made: Callable[[Scenario, Side, Position, int], Slot], slot_s: float = 11.0) -> None:
        self.made = made
        self.slot_s = slot_s
        self.now = 0.0
        self.asked: list[tuple[str, Side, Position, int]] = []

    def run(self, scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        self.now += self.slot_s
        self.asked.append((scenario.name, side, position, pair))
        return self.made(scenario, side, position, pair)

    def calibrate(self, scenario: Scenario) -> float | None:
        return None if scenario.of_capacity is None else 180_000.0


def steady(slowdown: float = 0.0) -> Callable[[Scenario, Side, Position, int], Slot]:
    def made(_scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        wobble = 0.004 * ((pair * 7 + position * 3) % 11 - 5)
        return slot_of(side, position, slowdown if side == "head" else 0.0, wobble)

    return made
