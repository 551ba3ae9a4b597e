"""Playing pairs with a runner that is made up: order, looks, budget, interrupts, and the end of it all."""

import pytest

from experiments.gate.coin import base_first
from experiments.gate.looks import LOOKS
from experiments.gate.play import Played, expected_s, play
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Position, Side, Slot
from tests.unit.gate_pairs import HEAVY, LATENCY, Fake, slot_of, steady


def played(runner: Fake, *scenarios: Scenario, budget_s: float = 1e9, **other: object) -> Played:
    return play(
        scenarios or (HEAVY,), runner, seed=5, budget_s=budget_s, accepted={}, clock=lambda: runner.now, **other  # type: ignore[arg-type]
    )  # fmt: skip


def test_slots_are_played_in_the_order_of_the_coins_and_recorded_so() -> None:
    runner = Fake(steady())
    found = played(runner)
    firsts = [side for _, side, position, _ in runner.asked if position == 1]
    assert firsts == ["base" if base_first(5, "gate-heavy", pair) else "head" for pair in range(13)]
    assert [one.base_first for one in found.pairs["gate-heavy"]] == [side == "base" for side in firsts]


def test_an_unchanged_head_needs_the_first_look_and_the_pair_before_it() -> None:
    runner = Fake(steady())
    found = played(runner)
    assert found.results["gate-heavy"].verdict == "PASS"
    assert len(runner.asked) == 2 * (LOOKS[0].pairs + 1)
    assert expected_s([HEAVY], LOOKS[0].pairs) == pytest.approx(runner.now)


def test_scenarios_take_turns_and_one_that_fails_ends_them_all() -> None:
    def made(scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        return steady(0.2 if scenario.name == "gate-latency" else 0.03)(scenario, side, position, pair)

    runner = Fake(made)
    found = played(runner, HEAVY, LATENCY)
    assert [name for name, _, position, _ in runner.asked if position == 1][:4] == ["gate-heavy", "gate-latency"] * 2
    assert found.results["gate-latency"].verdict == "FAIL"
    assert len(found.pairs["gate-latency"]) == 13
    assert found.rates == {"gate-latency": 180_000.0}


def test_a_head_that_loses_records_fails_after_its_first_pair() -> None:
    def made(_scenario: Scenario, side: Side, position: Position, _pair: int) -> Slot:
        return slot_of(side, position, wrong_records={"lost": 7} if side == "head" else {})

    runner = Fake(made)
    found = played(runner, HEAVY, LATENCY).results
    assert (found["gate-heavy"].verdict, found["gate-heavy"].reason) == ("FAIL", "7 records lost by head, none by base")
    assert len(runner.asked) == 2
    assert (found["gate-latency"].verdict, "gate-heavy failed" in found["gate-latency"].reason) == ("UNMEASURED", True)


def test_no_pair_begins_that_would_pass_the_budget() -> None:
    def noisy(_scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        return slot_of(side, position, noise=0.5 * (((pair * 7 + position * 5) % 13) - 6) / 6)

    runner = Fake(noisy)
    found = played(runner, budget_s=450.0)
    assert runner.now <= 450.0
    assert len(found.pairs["gate-heavy"]) == 20  # 22 s each
    assert found.results["gate-heavy"].verdict == "INCONCLUSIVE"
    assert "the budget of 7.5 min is spent" in found.results["gate-heavy"].reason


def test_a_machine_slower_than_expected_gates_nothing_and_says_so() -> None:
    found = played(Fake(steady(), slot_s=60.0), budget_s=600.0).results["gate-heavy"]
    assert found.verdict == "UNMEASURED"
    assert "the first look wants 12" in found.reason


def test_an_interrupt_keeps_the_pairs_that_were_played() -> None:
    def until(_scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        if pair == 4:
            raise KeyboardInterrupt
        return slot_of(side, position)

    found = played(Fake(until))
    assert found.interrupted
    assert len(found.pairs["gate-heavy"]) == 4
    assert "interrupted" in found.results["gate-heavy"].reason


def test_a_slot_that_always_spoils_ends_as_an_unfit_machine() -> None:
    def spoiled(_scenario: Scenario, side: Side, position: Position, _pair: int) -> Slot:
        return slot_of(side, position, spoiled=("swarm CPU: its CPU was 97% busy",))

    runner = Fake(spoiled)
    found = played(runner).results["gate-heavy"]
    assert found.verdict == "UNMEASURED"
    assert "swarm CPU" in found.reason
    assert len(runner.asked) == 22  # ten pairs and the first


def test_what_was_played_is_handed_on_after_each_pair() -> None:
    seen: list[int] = []

    def watch(found: Played, following: Scenario | None) -> None:
        if following is None:
            seen.append(len(found.pairs["gate-heavy"]))

    played(Fake(steady()), watch=watch)
    assert seen == list(range(1, 14))
