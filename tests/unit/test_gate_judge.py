"""What pairs say: the verdict of a scenario, from the rules in their order; and which process is blamed."""

import msgspec
import pytest

from experiments.gate.blame import blamed
from experiments.gate.correctness import wrong_records
from experiments.gate.judge import ScenarioResult, judge
from experiments.gate.slot import Pair
from experiments.metrics.trial import summarise
from tests.made_trial import trial
from tests.unit.gate_pairs import HEAVY, LATENCY, pairs_of


def judged(pairs: list[Pair], **other: object) -> ScenarioResult:
    return judge(pairs, HEAVY, metrics=2, **other)  # type: ignore[arg-type]


def with_head(pair: Pair, **changed: object) -> Pair:
    slots = tuple(msgspec.structs.replace(one, **changed) if one.side == "head" else one for one in pair.slots)
    return msgspec.structs.replace(pair, slots=slots)


def test_before_the_first_look_there_is_no_verdict() -> None:
    found = judged(pairs_of(11, slowdown=0.3))
    assert (found.verdict, found.looks_made) == (None, 0)


def test_an_unchanged_head_passes_at_the_first_look() -> None:
    found = judged(pairs_of(12))
    assert (found.verdict, found.looks_made) == ("PASS", 1)
    assert [one.finding for one in found.metrics] == ["not slower", "not slower"]


def test_a_slower_head_fails_and_its_workers_are_blamed() -> None:
    found = judged(pairs_of(12, slowdown=0.08, workers=0.10))
    assert found.verdict == "FAIL"
    assert found.processes[0].process == "workers"
    assert "CPU rose most in workers: 2.9" in blamed(found.processes)


def test_a_head_that_only_waits_has_no_process_to_blame() -> None:
    found = judged(pairs_of(12, slowdown=0.2))
    assert found.verdict == "FAIL"
    assert "no process's CPU a record rose provably" in blamed(found.processes)


def test_an_improvement_passes_and_is_called_one() -> None:
    found = judged(pairs_of(12, slowdown=-0.15, workers=-0.15))
    assert found.verdict == "PASS"
    assert all(one.faster for one in found.metrics)
    assert not any(one.faster for one in judged(pairs_of(12)).metrics)


def test_one_metric_is_enough_to_fail_and_all_are_needed_to_pass() -> None:
    found = judged(pairs_of(12, workers=0.10))
    assert found.verdict == "FAIL"
    assert [one.finding for one in found.metrics] == ["not slower", "slower"]


def test_what_is_not_proven_goes_on_and_after_the_last_look_is_inconclusive() -> None:
    noisy = pairs_of(40, slowdown=0.03, sd=0.3)
    assert judged(noisy[:35]).verdict is None
    last = judged(noisy)
    assert (last.verdict, last.looks_made) == ("INCONCLUSIVE", 5)


def test_a_run_that_ends_early_is_inconclusive_after_a_look_and_no_measurement_before() -> None:
    noisy = pairs_of(20, slowdown=0.03, sd=0.3)
    looked = judged(noisy, over="the budget is spent")
    assert looked.verdict == "INCONCLUSIVE"
    assert "18 pairs that were looked at (the budget is spent)" in looked.reason
    assert looked.metrics[0].pairs == 18  # what came after the look isn't looked at
    early = judged(noisy[:8], over="the budget is spent")
    assert early.verdict == "UNMEASURED"
    assert "7 pairs count, the first look wants 12" in early.reason


def test_what_an_earlier_look_decided_stands() -> None:
    slower, same = pairs_of(12, slowdown=0.2, sd=0.01), pairs_of(40, sd=0.01)
    assert judged([*slower, *same[13:]]).verdict == "FAIL"
    assert judged([*pairs_of(12, sd=0.01), *pairs_of(40, slowdown=0.5)[13:]]).verdict == "PASS"


@pytest.mark.parametrize("kind", ["lost", "dead", "duplicate_results", "unexpected", "missed", "spurious"])
def test_records_that_only_head_gets_wrong_fail_at_once(kind: str) -> None:
    pairs = pairs_of(2)
    pairs[2] = with_head(pairs[2], wrong_records={kind: 3}, spoiled=("detections: 3 missed",))
    found = judged(pairs)
    assert found.verdict == "FAIL"
    assert found.reason.startswith("3 ")
    assert found.reason.endswith("by head, none by base")


def test_records_that_base_gets_wrong_too_fail_nobody() -> None:
    pairs = pairs_of(12)
    both = tuple(msgspec.structs.replace(one, wrong_records={"lost": 1}) for one in pairs[1].slots)
    pairs[1] = msgspec.structs.replace(pairs[1], slots=both)
    assert judged(pairs).verdict == "PASS"


def test_a_spoiled_slot_drops_its_pair_whichever_side_it_is_and_more_pairs_are_played() -> None:
    found = judged(pairs_of(13, spoil=[4]))
    assert found.verdict == "PASS"
    assert found.dropped == {4: ["send lag: the swarm was late"]}
    assert judged(pairs_of(12, spoil=[4])).verdict is None
    spoiled = pairs_of(12, spoil=range(1, 13, 3))
    assert {one.slots[1].side for one in spoiled if one.slots[1].spoiled} == {"base", "head"}


def test_too_many_dropped_pairs_are_no_measurement_however_slow_head_is() -> None:
    found = judged(pairs_of(16, slowdown=0.3, spoil=[2, 5, 8, 11]))
    assert found.verdict == "UNMEASURED"
    assert "4 of 16 pairs had to be dropped, the limit is 20%" in found.reason
    assert "send lag" in found.reason
    assert judged(pairs_of(20, slowdown=0.3, spoil=[2, 5, 8, 11])).verdict == "FAIL"


def test_a_missing_figure_drops_the_pair() -> None:
    pairs = pairs_of(3, scenario="gate-latency")
    pairs[2] = with_head(pairs[2], figures={"p99": None})
    found = judge(pairs, LATENCY, metrics=1)
    assert found.dropped == {2: ["p99 has no value"]}


def test_the_first_pair_never_counts() -> None:
    pairs = pairs_of(12)
    pairs[0] = with_head(pairs[0], figures={"throughput": 1.0, "cpu": 1000.0})
    assert judged(pairs).verdict == "PASS"


def test_an_accepted_regression_moves_the_origin() -> None:
    pairs = pairs_of(12, slowdown=0.06, workers=0.0)
    assert judged(pairs).verdict == "FAIL"
    found = judged(pairs, accepted={"throughput": -0.06})
    assert found.verdict == "PASS"
    assert found.metrics[0].accepted_ratio == -0.06
    assert judged(pairs_of(12, slowdown=0.15), accepted={"throughput": -0.06}).verdict == "FAIL"
    # Accepting an improvement would be asking for one: it moves nothing.
    assert judged(pairs_of(12), accepted={"throughput": 0.06}).verdict == "PASS"


def test_more_metrics_in_the_run_want_more_proof() -> None:
    pairs = pairs_of(12, slowdown=0.02, sd=0.01)
    few, many = judge(pairs, HEAVY, metrics=2), judge(pairs, HEAVY, metrics=20)
    assert few.verdict == "FAIL"
    assert many.verdict == "PASS"  # 20 metrics leave no level that 12 pairs can attain; less than 5 % is proven


def test_a_pair_whose_slots_are_not_what_the_coin_says_is_refused() -> None:
    one = pairs_of(1)[1]
    with pytest.raises(ValueError, match=r"pair 1 of gate-heavy must be \w+ then \w+"):
        msgspec.structs.replace(one, base_first=not one.base_first)


def test_the_noise_of_the_pairs_and_what_it_lets_be_found_stand_beside_the_verdict() -> None:
    throughput = judged(pairs_of(40, sd=0.038)).metrics[0]
    assert throughput.sd_pair == pytest.approx(0.038, rel=0.4)
    assert throughput.position_ratio == pytest.approx(-0.03, abs=0.02)
    assert throughput.minimum_detectable_ratio is not None
    assert 0.02 < throughput.minimum_detectable_ratio < 0.06
    assert throughput.low_ratio is not None
    assert throughput.change_ratio is not None
    assert throughput.high_ratio is not None
    assert throughput.low_ratio < throughput.change_ratio < throughput.high_ratio


@pytest.mark.parametrize(("carried", "wrong"), [(0.0, {"stuck": 1}), (100.0, {}), (None, {})])
def test_a_slot_in_which_nothing_was_carried_is_wrong(carried: float | None, wrong: dict[str, int]) -> None:
    """Its figures are none, so that its pair would be dropped, and the machine be called unfit."""
    found = msgspec.structs.replace(summarise(*trial()[:2]), carried_records_per_s=carried)
    assert wrong_records(found) == wrong
