"""Shards of a gate: they play the pairs of the whole between them, and are put together only if they belong together."""

from pathlib import Path

import msgspec
import pytest

from experiments.gate import outputs
from experiments.gate.coin import base_first
from experiments.gate.commits import GateError
from experiments.gate.looks import LOOKS
from experiments.gate.merge import merge
from experiments.gate.play import Played, Shard, play
from experiments.gate.result import GateResult, Revision, overall
from experiments.gate.slot import Position, Side, Slot
from tests.unit.gate_pairs import HEAVY, Fake, slot_of, steady


def played(number: int, of: int, slowdown: float = 0.0) -> Played:
    runner = Fake(steady(slowdown))
    return play([HEAVY], runner, seed=5, budget_s=1e9, accepted={}, shard=Shard(number, of), clock=lambda: runner.now)


def result(found: Played, shard: str | None, **other: object) -> GateResult:
    results = list(found.results.values())
    verdict, reason = overall(results)
    made = GateResult(
        verdict=verdict,
        reason=reason,
        base=Revision(revision="main", commit="a" * 40),
        head=Revision(revision="HEAD", commit="b" * 40),
        harness=None,
        command="caudal gate",
        seed=5,
        budget_s=1800.0,
        begun_utc=f"2026-11-24T12:0{(shard or '0')[0]}:00+00:00",
        finished_utc="2026-11-24T12:20:00+00:00",
        machine={"cores": 2},
        gated_metrics=2,
        false_alarm_ratio=0.01,
        missed_ratio=0.05,
        rates_per_s={"gate-latency": 100.0},
        scenarios=results,
        pairs=[pair for some in found.pairs.values() for pair in some],
        shard=shard,
    )
    return msgspec.structs.replace(made, **other)


def written(folder: Path, results: list[GateResult]) -> list[Path]:
    folders = [folder / str(number) for number in range(len(results))]
    for one, each in zip(folders, results, strict=True):
        one.mkdir()
        outputs.write(one, each)
    return folders


def three(tmp_path: Path, slowdown: float = 0.0) -> list[Path]:
    return written(tmp_path, [result(played(number, 3, slowdown), f"{number}/3") for number in (1, 2, 3)])


def test_shards_play_each_pair_of_the_whole_once_with_its_coin() -> None:
    shards = [played(number, 3).pairs["gate-heavy"] for number in (1, 2, 3)]
    indices = sorted(one.index for some in shards for one in some[1:])
    assert indices == list(range(1, 43))  # 40 in shares of one size
    assert all(some[0].index == 0 for some in shards)
    assert all(one.base_first == base_first(5, "gate-heavy", one.index) for some in shards for one in some)


def test_a_shard_decides_nothing_by_speed() -> None:
    found = played(1, 3, slowdown=0.5).results["gate-heavy"]
    assert (found.verdict, found.reason) == (None, "shard 1/3: 14 pairs to be merged")


def test_a_shard_whose_head_loses_records_fails_at_once() -> None:
    def losing(_scenario: object, side: Side, position: Position, _pair: int) -> Slot:
        return slot_of(side, position, wrong_records={"lost": 7} if side == "head" else {})

    runner = Fake(losing)
    found = play([HEAVY], runner, seed=5, budget_s=1e9, accepted={}, shard=Shard(1, 3), clock=lambda: runner.now)
    assert found.results["gate-heavy"].verdict == "FAIL"
    assert len(runner.asked) == 2


def test_merged_shards_are_judged_by_one_look_at_all_their_pairs(tmp_path: Path) -> None:
    same = merge(three(tmp_path))
    assert (same.verdict, same.scenarios[0].metrics[0].pairs, same.scenarios[0].looks_made) == ("PASS", 42, 1)
    assert 0 < same.false_alarm_ratio <= 0.01
    assert same.shard is None
    assert set(same.rates_per_s) == {f"gate-latency, shard {number}/3" for number in (1, 2, 3)}
    assert set(same.machine) == {"1/3", "2/3", "3/3"}


def test_merged_shards_of_a_slower_head_fail(tmp_path: Path) -> None:
    found = merge(three(tmp_path, slowdown=0.1))
    assert found.verdict == "FAIL"
    assert found.scenarios[0].metrics[0].change_ratio == pytest.approx(-0.1, abs=0.02)


def test_too_few_pairs_in_all_are_no_measurement(tmp_path: Path) -> None:
    few = played(1, 2)
    few.pairs["gate-heavy"] = few.pairs["gate-heavy"][:5]
    found = merge(written(tmp_path, [result(few, "1/2"), result(few, "2/2")]))
    assert found.verdict == "UNMEASURED"
    assert f"the first look wants {LOOKS[0].pairs}" in found.reason


def test_shards_that_miss_one_or_name_one_twice_are_refused(tmp_path: Path) -> None:
    folders = three(tmp_path)
    for some in (folders[:2], [*folders[:2], folders[1]], [*folders, folders[0]]):
        with pytest.raises(GateError, match="--merge must name every shard once, got 1/3"):
            merge(some)


@pytest.mark.parametrize("other", [{"seed": 6}, {"head": Revision(revision="HEAD", commit="c" * 40)}])
def test_shards_of_different_runs_are_refused(tmp_path: Path, other: dict[str, object]) -> None:
    one = played(1, 2)
    folders = written(tmp_path, [result(one, "1/2"), result(one, "2/2", **other)])
    with pytest.raises(GateError, match=f"--merge must name shards of one run, but {next(iter(other))} of"):
        merge(folders)


def test_a_folder_without_a_result_and_a_result_that_is_no_shard_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"--merge must name folders with a result\.json"):
        merge([tmp_path])
    with pytest.raises(GateError, match="--merge must name every shard once, got None"):
        merge(written(tmp_path, [result(played(1, 2), None)]))


def test_what_a_shard_that_ended_early_did_not_get_to_is_no_pass(tmp_path: Path) -> None:
    """What it would have played nobody has measured."""
    sound = [result(played(number, 3), f"{number}/3") for number in (1, 2, 3)]
    early = msgspec.structs.replace(
        sound[0], verdict="UNMEASURED", reason="head can't be run", pairs=sound[0].pairs[:2]
    )
    found = merge(written(tmp_path, [early, *sound[1:]]))
    assert (found.verdict, found.reason) == ("UNMEASURED", "shard 1/3 ended early: head can't be run")


def test_a_shard_that_ended_early_hides_no_failure_of_the_others(tmp_path: Path) -> None:
    slow = [result(played(number, 3, 0.1), f"{number}/3") for number in (1, 2, 3)]
    early = msgspec.structs.replace(
        slow[0], verdict="INTERRUPTED", reason="not over", scenarios=[], pairs=slow[0].pairs[:2]
    )
    assert merge(written(tmp_path, [early, *slow[1:]])).verdict == "FAIL"
