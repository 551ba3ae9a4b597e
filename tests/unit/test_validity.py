"""Every rule of validity finds its planted fault, and blames nothing else; docs/validity.md names each with its test."""

import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from experiments.metrics.trial import TrialSummary, summarise
from experiments.metrics.validity.limits import Limits
from experiments.metrics.validity.registry import RULES
from experiments.store.record import Clock
from tests import made
from tests.made_trial import START, WINDOW, Made, trial

ROOT = Path(__file__).parents[2]
LIMITS = Limits()


def summary(one: Made) -> TrialSummary:
    return summarise(one.record, one.tables)


def with_limits(one: Made, limits: Limits = LIMITS) -> Made:
    return one.with_record(config={"validity": msgspec.to_builtins(limits)})


SOUND = with_limits(trial())


def late(p99_s: float, flushes: int = 2000, p50_s: float = 1e-9) -> dict[str, int]:
    """What the swarm said at its end."""
    return {
        "bad_acks": 0,
        "paced": flushes,
        "late_p50_ns": round(p50_s * 1e9),
        "late_p99_ns": round(p99_s * 1e9),
        "late_max_ns": 10**12,
    }


def saturated(shape: str) -> Made:
    """Full load: 4,000 batches of 10 that are analysed at once, in a window of 2 s; `steady`, `warming` or `drifting`."""
    share = (np.arange(4000) + 0.5) / 4000
    if shape == "warming":  # a tenth of the rate until the middle
        share = np.where(share < 1 / 11, share * 5.5, 0.5 + (share - 1 / 11) * 0.55)
    if shape == "drifting":  # a rate that is half as high again at the end: exact inverse of t + t^2 / 4
        share = 2 * (np.sqrt(1 + 1.25 * share) - 1)
    at = WINDOW[0] + (share * (WINDOW[1] - WINDOW[0])).astype(np.int64)
    cut, rows = np.zeros(4000, made.BATCHES), np.zeros(4000, made.RESULTS)
    for table in (cut, rows):
        table["first"], table["count"] = np.arange(4000) * 10, 10
    cut["cut_mono_ns"], cut["sent_mono_ns"], cut["acked_mono_ns"] = at - 20, at - 19, at - 18
    rows["own"] = rows["analysed"] = True
    rows["records"], rows["packed_bytes"] = 10, 2500
    for place, name in enumerate(("received", "published", "started", "fetched", "scanned", "committed")):
        rows[f"{name}_mono_ns"] = at - 5 + place
    record = made.record(
        start_mono_ns=START, window=WINDOW, planned=40_000, recorded_rows=4000, counters={"batches_analysed": 4000}
    )
    return with_limits(Made(record, made.tables(cut, rows)))


def test_a_sound_trial_with_limits_is_valid_and_steady() -> None:
    for one in (SOUND, saturated("steady")):
        found = summary(one)
        assert (found.valid, found.reasons, found.outcome) == (True, [], "ok")
        assert found.steady is not None
        assert (found.steady.reached, found.steady.warmup_s) == (True, 0.0)
        assert found.within_trial is not None


def reasons(one: Made) -> list[str]:
    return summary(one).reasons


def test_a_swarm_that_was_late_makes_it_invalid() -> None:
    assert reasons(SOUND.with_record(swarm=late(0.0099))) == []
    (reason,) = reasons(SOUND.with_record(swarm=late(0.0101)))
    assert reason.startswith("send lag: the swarm cut 1 % of its batches 10.1 ms late or later, the limit is 10.0 ms")


def test_of_few_batches_the_median_is_judged() -> None:
    assert reasons(SOUND.with_record(swarm=late(0.5, flushes=1999, p50_s=0.009))) == []
    (reason,) = reasons(SOUND.with_record(swarm=late(0.5, flushes=1999, p50_s=0.011)))
    assert reason.startswith("send lag: the swarm cut 50 % of its batches 11.0 ms late or later")


def test_the_limit_is_the_configs() -> None:
    one = with_limits(SOUND, Limits(send_lag_p99_s=0.05)).with_record(swarm=late(0.04))
    assert reasons(one) == []


@pytest.mark.parametrize(
    ("processes", "busy_s", "valid"), [(1, 1.7, True), (1, 1.9, False), (2, 1.9, True), (3, 1.9, False)]
)
def test_a_swarm_without_cpu_to_spare_makes_it_invalid(processes: int, busy_s: float, valid: bool) -> None:
    """The window is 2 s; three processes have one CPU."""
    one = SOUND.with_record(
        cpu_s={"swarm": busy_s},
        config=SOUND.record.config | {"swarm": {"processes": processes}},
        target=SOUND.record.target | {"placement": {"swarm": [1] if processes == 3 else [0, 1]}},
    )
    found = reasons(one)
    assert found == [] if valid else found[0].startswith("swarm CPU: its CPU was 95% busy, the limit is 90%")


@pytest.mark.parametrize(
    ("offset_s", "uncertainty_s", "valid"),
    [(0.0, 0.0, True), (0.0003, 0.0001, True), (-0.0004, 0.0002, False), (0.0, 0.001, False)],
)
def test_a_clock_that_is_off_or_may_be_makes_it_invalid(offset_s: float, uncertainty_s: float, valid: bool) -> None:
    clocks = [Clock(host="the runner's"), Clock(host="node7", offset_s=offset_s, uncertainty_s=uncertainty_s)]
    found = reasons(SOUND.with_record(clocks=clocks))
    assert found == [] if valid else found[0].startswith("clock: that of node7 is ")


@pytest.mark.parametrize(
    ("done", "valid"), [({"killed_pids": [7]}, True), ({"stalled_pids": [7]}, False), ({"told_processes": 1}, False)]
)
def test_commit_instants_that_are_unknown_though_nothing_was_killed_make_it_invalid(
    done: dict[str, Any], valid: bool
) -> None:
    results = SOUND.tables.results.copy()
    results["committed_mono_ns"][::3] = 0
    faults = [{"kind": "any", "at_s": 1.0, "at_mono_ns": START, "done": done}]
    found = reasons(SOUND.with_tables(results=results).with_record(faults=faults))
    assert found == [] if valid else found[0].startswith("instants: the commit instants of")


def test_a_rate_that_is_still_warming_up_makes_it_invalid() -> None:
    found = reasons(saturated("warming"))
    assert [reason.partition(":")[0] for reason in found] == ["steady state"]


def test_a_rate_that_drifts_makes_it_invalid() -> None:
    (reason,) = reasons(saturated("drifting"))
    assert reason.startswith("trend: the carried rate changed by +39.3% to +40.7% over the window, the limit is 2.0%")


def test_no_steady_state_is_due_where_something_was_killed_or_the_load_itself_moves() -> None:
    drifting = saturated("drifting")
    killed = [{"kind": "kill_worker_child", "at_s": 1.0, "at_mono_ns": START, "done": {"killed_pids": [7]}}]
    assert summary(drifting.with_record(faults=killed)).steady is None
    moving = msgspec.structs.replace(drifting.record.load, arrivals={"kind": "drain"})
    found = summary(drifting.with_record(load=moving))
    assert (found.steady, found.reasons) == (None, [])


def test_a_queue_that_grows_is_an_outcome_and_no_reason() -> None:
    results = SOUND.tables.results.copy()
    since = results["committed_mono_ns"] - START
    results["committed_mono_ns"] = START + since + since**2 // 10**10  # slower and slower
    found = summary(SOUND.with_tables(results=results))
    assert (found.valid, found.outcome, found.steady) == (True, "overloaded", None)


def test_a_result_from_before_there_were_limits_is_not_judged_by_them() -> None:
    one = trial().with_record(swarm=late(9.0), clocks=[Clock(host="node7", offset_s=9.0)], cpu_s={"swarm": 2.0})
    assert reasons(one) == []
    assert len(reasons(with_limits(one))) == 3


# The table of planted faults.

ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| `([^`]+)::(\w+)` \|$", re.MULTILINE)


def test_the_table_of_planted_faults_has_each_rule_once_with_its_fault_and_a_test_that_is_there() -> None:
    rows = ROW.findall((ROOT / "docs" / "validity.md").read_text())
    assert [(name, fault) for name, fault, *_ in rows] == [(rule.name, rule.fault) for rule in RULES]
    for _, _, _, path, test in rows:
        assert f"def {test}(" in (ROOT / path).read_text(), f"{path} has no {test}"
