"""Each check of the self-test passes a perfect instrument, and fails one in which a fault is planted."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from experiments.cli import selftest as command
from experiments.deploy.process import ChildProcess
from experiments.selftest import lab
from experiments.selftest.check import Check
from experiments.selftest.checks import cpu, recursion
from experiments.selftest.checks.registry import CHECKS
from experiments.selftest.result import Result, compared, half_width
from experiments.selftest.scenes import SCENES
from experiments.selftest.seen import Seen
from tests import made_scene
from tests.made_scene import with_config, with_record, with_rows

BY_NAME = {check.name: check for check in CHECKS}
#: Those that compare what a scene showed.
OF_SCENES = [check for check in CHECKS if check.scenes]


def scenes(check: Check) -> dict[str, Seen]:
    # Waits are correlated: with --quick's few tasks a wrong number of servers would only be blunt.
    measure_s = 90.0 if check.name == "waiting" else None
    return {name: made_scene.seen(name, measure_s=measure_s) for name in check.scenes}


def verdicts(check: Check, seen: Mapping[str, Seen]) -> dict[str, Result]:
    return {one.name: one for one in check.compare(seen)}


@pytest.mark.parametrize("check", OF_SCENES, ids=lambda check: check.name)
def test_a_perfect_instrument_passes(check: Check) -> None:
    found = verdicts(check, scenes(check))
    assert found
    assert {name: (one.verdict, one) for name, one in found.items() if one.verdict != "pass"} == {}


# Faults of the instrument. Each changes what one scene showed.


def other_services(one: Seen) -> Seen:
    """The analysis draws the services with another seed than the engine did."""
    return with_config(one, "emulated", seed=1906)


def other_schedule(one: Seen) -> Seen:
    """The schedule is drawn with another seed."""
    return with_record(one, seed=one.record.seed + 1)


def fast_clock(one: Seen, rate: float = 1.01) -> Seen:
    """The workers' clock runs a hundredth too fast."""
    rows = one.tables.results.copy()
    start = one.record.start_mono_ns
    for name in ("started", "fetched", "scanned", "committed"):
        rows[f"{name}_mono_ns"] = start + np.round((rows[f"{name}_mono_ns"] - start) * rate).astype(np.int64)
    return with_rows(one, rows)


def slow_clock(one: Seen) -> Seen:
    """It runs a hundredth too slow, so that tasks seem to begin before they were published: only the scan is judged."""
    rows = one.tables.results.copy()
    rows["scanned_mono_ns"] = rows["fetched_mono_ns"] + np.round(
        (rows["scanned_mono_ns"] - rows["fetched_mono_ns"]) * 0.99
    ).astype(np.int64)
    return with_rows(one, rows)


def lost_row(one: Seen) -> Seen:
    """The recorder loses one row in a thousand, and one at least."""
    keep = np.ones(len(one.tables.results), bool)
    keep[500::1000] = False
    keep[len(keep) // 2] = False
    lost = int((~keep).sum())
    return with_record(with_rows(one, one.tables.results[keep]), recorded_rows=one.record.recorded_rows - lost)


def slow_rows_lost(one: Seen) -> Seen:
    """What takes longer than a quarter of a second times out in the instrument and isn't recorded."""
    rows = one.tables.results
    return with_rows(one, rows[rows["committed_mono_ns"] - rows["published_mono_ns"] < 250_000_000])


def half_queue(one: Seen) -> Seen:
    """The probe reads half of what waits."""
    probes = one.tables.probes.copy()
    probes["value"] = probes["value"] // 2
    return Seen(one.record, one.tables._replace(probes=probes))


def no_queue_probe(one: Seen) -> Seen:
    """The probe of the journal read nothing, or its figure has another name."""
    probes = one.tables.probes
    return Seen(one.record, one.tables._replace(probes=probes[probes["figure"] != "pending_batches"]))


def one_server_too_many(one: Seen) -> Seen:
    """The record names more children than there were."""
    return with_record(one, target={"worker_concurrency": one.children + 1})


def late_timeout(one: Seen) -> Seen:
    """The swarm's buffers wait 5 % longer than TIMEOUT: as if the config had said less than was done."""
    return with_record(one, load=msgspec.structs.replace(one.record.load, timeout_s=one.record.load.timeout_s / 1.05))


def long_window(one: Seen) -> Seen:
    """Rates are divided by a window that isn't the one that was counted in."""
    begin, end = one.record.window
    return with_record(one, window=(begin, end + (end - begin) // 20))


def counted_from_the_send(one: Seen) -> Seen:
    """Response times count from the send and not from the arrival."""
    found = one.summary
    waits = found.stages_s["batch_wait"].mean
    assert waits is not None
    assert found.response_time_s.mean is not None
    response = msgspec.structs.replace(found.response_time_s, mean=found.response_time_s.mean - waits)
    planted = Seen(one.record, one.tables)
    planted.__dict__["summary"] = msgspec.structs.replace(found, response_time_s=response)
    return planted


def counted_from_the_start(one: Seen) -> Seen:
    """Response times count from where the server takes a task: the waiting is left out."""
    rows = one.tables.results.copy()
    rows["committed_mono_ns"] -= rows["started_mono_ns"] - rows["published_mono_ns"]
    planted = Seen(one.record, one.tables)
    planted.__dict__["summary"] = with_rows(one, rows).summary
    return planted


Plant = Callable[[Seen], Seen]


@pytest.mark.parametrize(
    ("check", "scene", "plant", "caught"),
    [
        ("account", "batching", lost_row, "account"),
        ("account", "one server", other_schedule, "account"),
        ("service time", "one server", other_services, "service time"),
        ("service time", "one server", fast_clock, "service time"),
        ("service time", "one server", slow_clock, "services cut short"),
        ("waiting", "one server", other_services, "waiting, one server"),
        ("waiting", "two servers", other_services, "waiting, two servers"),
        ("waiting", "one server", one_server_too_many, "waiting, one server"),
        ("waiting", "two servers", one_server_too_many, "waiting, two servers"),
        ("waiting", "one server", fast_clock, "waiting, one server"),
        ("little", "one server", half_queue, "Little's law, one server"),
        ("little", "two servers", half_queue, "Little's law, two servers"),
        ("little", "one server", no_queue_probe, "Little's law, one server"),
        ("batch wait", "batching", late_timeout, "batch wait"),
        ("batch wait", "batching", counted_from_the_send, "batch wait in response time"),
        ("stall", "stall, open loop", slow_rows_lost, "stall, p99"),
        ("stall", "stall, open loop", counted_from_the_start, "stall, p99"),
        ("stall", "stall, open loop", counted_from_the_start, "stall, maximum"),
        ("stall", "stall, closed loop", slow_rows_lost, "stall, closed loop"),
        ("throughput", "stall, closed loop", long_window, "throughput"),
    ],
)
def test_a_planted_fault_is_seen(check: str, scene: str, plant: Plant, caught: str) -> None:
    sound = scenes(BY_NAME[check])
    assert verdicts(BY_NAME[check], sound)[caught].verdict == "pass"
    found = verdicts(BY_NAME[check], {**sound, scene: plant(sound[scene])})
    assert found[caught].verdict == "fail", found[caught]


def test_every_check_of_a_scene_has_a_planted_fault() -> None:
    planted = {"account", "service time", "waiting", "little", "batch wait", "stall", "throughput"}
    assert {check.name for check in OF_SCENES} == planted


def test_a_closed_loop_that_shows_the_stall_after_all_is_seen() -> None:
    """The plant: more batches are slow than its window can hold, as in an open loop."""
    check = BY_NAME["stall"]
    sound = scenes(check)
    slow = sound["stall, closed loop"]
    rows = slow.tables.results.copy()
    rows["committed_mono_ns"][::20] += 1_000_000_000
    found = verdicts(check, {**sound, "stall, closed loop": with_rows(slow, rows)})
    assert found["stall, closed loop"].verdict == "fail"
    assert found["stall missed by a closed loop"].verdict == "fail"


# CPU accounting and the recursion need no scene.


def test_cpu_time_is_counted_with_its_children() -> None:
    used_s, counted_s = cpu.measure()
    assert used_s == pytest.approx(cpu.PARENT_S + cpu.CHILD_S, abs=0.05)
    assert cpu.judge(used_s, counted_s).verdict == "pass"


def test_an_accounting_that_forgets_children_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(process: ChildProcess) -> list[psutil.Process]:
        return [psutil.Process(process.pid)]

    whole = ChildProcess.tree
    monkeypatch.setattr(ChildProcess, "cpu_s", lambda process: sum(alone(process)[0].cpu_times()[:2]))
    used_s, counted_s = cpu.measure()
    assert ChildProcess.tree is whole
    assert cpu.judge(used_s, counted_s).verdict == "fail"


def test_the_recursion_agrees_with_theory_and_a_wrong_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {one.verdict for one in recursion.CHECK.compare({})} == {"pass"}

    def forgetful(arrivals: np.ndarray, services: np.ndarray) -> np.ndarray:
        """Waits for the customer before, but not for those before that."""
        return np.concatenate(([0.0], np.maximum(0.0, services[:-1] - np.diff(arrivals))))

    monkeypatch.setattr(recursion, "lindley", forgetful)
    found = {one.name: one.verdict for one in recursion.CHECK.compare({})}
    assert found == {"recursion, M/M/1": "fail", "recursion, M/D/1": "fail", "recursion, M/M/2": "pass"}


# The rule of verdicts, and the command.


def result(measured: float, half: float) -> Result:
    return compared("x", 100.0, measured, half, unit="ms", allowed=2.0, sharp=5.0, why="")


@pytest.mark.parametrize(
    ("measured", "half", "verdict"),
    [
        (101.0, 1.0, "pass"),
        (104.9, 3.0, "pass"),
        (105.1, 3.0, "fail"),
        (94.9, 3.0, "fail"),
        (101.0, 5.1, "blunt"),
        (101.0, float("inf"), "blunt"),
        (101.0, float("nan"), "blunt"),
        (float("nan"), 1.0, "fail"),
    ],
)
def test_wide_intervals_are_blunt_and_never_pass(measured: float, half: float, verdict: str) -> None:
    assert result(measured, half).verdict == verdict


def test_too_few_values_have_no_interval() -> None:
    assert half_width(np.ones(39)) == float("inf")
    assert half_width(np.ones(40)) == 0.0


def test_the_interval_of_a_mean_covers_it_99_times_in_100() -> None:
    draws = np.random.Generator(np.random.PCG64(3))
    covered = sum(abs((values := draws.normal(5.0, 2.0, 400)).mean() - 5.0) <= half_width(values) for _ in range(1000))
    assert 980 <= covered <= 998  # 3 standard errors around 990


class Quiet:
    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_: None


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 1), ("blunt", 3)])
def test_the_exit_code_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verdict: str, code: int
) -> None:
    measured = {"pass": 100.0, "fail": 200.0, "blunt": 100.0}[verdict]

    def compare(_: Mapping[str, Seen]) -> Iterator[Result]:
        yield result(100.0, 1.0)
        yield result(measured, 9.0 if verdict == "blunt" else 1.0)

    monkeypatch.setattr(command, "CHECKS", (Check("made", (), compare),))
    assert command.selftest.main([], standalone_mode=False) == code
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert f"{verdict:<6}x" in out


def test_no_result_is_no_pass() -> None:
    assert lab.verdict([]) == "blunt"


def test_a_scene_that_several_checks_need_is_played_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[str] = []

    class Run:
        def __init__(self, trial: object, *_: object) -> None:
            self._name = trial.cell.levels["scene"]  # type: ignore[attr-defined]

        def run(self) -> tuple[object, object]:
            played.append(self._name)
            one = made_scene.seen(self._name)
            return one.record, one.tables

    monkeypatch.setattr(lab, "TrialRun", Run)
    checks = [BY_NAME["waiting"], BY_NAME["little"], BY_NAME["service time"]]
    found = lab.run(checks, tmp_path, Quiet(), quick=True, seed=7)  # type: ignore[arg-type]
    assert played == ["one server", "two servers"]
    assert lab.verdict(found) == "pass"


def test_quick_scenes_fit_into_two_minutes() -> None:
    assert sum(one.trial(0, quick=True, seed=1).expected_s for one in lab.scenes_of(CHECKS, quick=True)) < 100
    assert len(SCENES) == len(lab.scenes_of(CHECKS, quick=False))
