"""What `caudal plan` says beforehand, and what it warns of: each warning comes, and doesn't come just beside its limit."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from experiments.cli.plan import plan as plan_command
from experiments.cli.plan import predicted, warn
from experiments.design.caveats import Caveat, caveats
from experiments.design.config import decode
from experiments.design.experiment import Experiment
from experiments.design.prediction import predict
from experiments.machine.scan_speed import LOOKS, ScanSpeeds
from loadgen.model.flush_mix import FlushMix
from system.engine.engine import Hits, Offsets, SignatureEngine, hits_of
from system.signatures.model import Signature

CPUS = 2


def experiment(text: str) -> Experiment:
    return decode('[experiment]\nname = "x"\n' + text, source="x.toml", folder=Path("."))


POISSON = """
[swarm]
agents = 20
batch_size = {size}
timeout_s = {timeout}
[swarm.arrivals]
kind = "poisson"
rate_per_s = {rate}
"""


def poisson(size: int = 10, timeout: float = 0.5, rate: float = 100.0, more: str = "") -> Experiment:
    return experiment(POISSON.format(size=size, timeout=timeout, rate=rate) + more)


def told(made: Experiment, speed: float | None = None, expected_s: float = 60.0) -> list[Caveat]:
    predictions = [predict(config, CPUS, speed) for config in made.configs]
    return caveats(made, predictions, CPUS, expected_s)


def test_utilisation_is_the_offered_load_by_what_all_cores_scan() -> None:
    found = predict(poisson(rate=100.0).configs[0], CPUS, 5_000.0)
    assert found.offered_records_per_s == pytest.approx(2_000.0)
    assert found.limit_records_per_s == 10_000.0
    assert found.utilisation_ratio == pytest.approx(0.2)
    assert found.drain_s == 0.0


def test_what_cannot_be_scanned_in_time_is_left_to_the_drain() -> None:
    """2,000 a second for 12 s, 1,600 of them scanned: 4,800 are left, three seconds of work."""
    found = predict(poisson(rate=100.0).configs[0], CPUS, 800.0)
    assert found.utilisation_ratio == pytest.approx(1.25)
    assert found.drain_s == pytest.approx(3.0)


def test_a_core_without_a_child_and_a_child_without_a_core_scan_nothing_more() -> None:
    few = poisson(more="[system]\nworker_concurrency = 1\n").configs[0]
    many = poisson(more="[system]\nworker_concurrency = 8\nworker_cores = 1\n").configs[0]
    assert predict(few, 4, 100.0).limit_records_per_s == 100.0
    assert predict(many, 4, 100.0).limit_records_per_s == 100.0


@pytest.mark.parametrize(("pool", "cores"), [("prefork", 4), ("threads", 4), ("solo", 2), ("gevent", 2)])
def test_what_shares_a_thread_shares_a_core(pool: str, cores: int) -> None:
    made = poisson(more=f'[system]\nworker_pool = "{pool}"\nworker_nodes = 2\n').configs[0]
    assert predict(made, 4, 100.0).limit_records_per_s == cores * 100.0


def test_without_a_speed_the_workers_are_unknown() -> None:
    found = predict(poisson().configs[0], CPUS, None)
    assert (found.limit_records_per_s, found.utilisation_ratio, found.drain_s) == (None, None, None)


def test_the_engine_that_waits_is_counted_by_its_children() -> None:
    more = '[system]\nengine = "emulated"\nworker_concurrency = 6\n[system.emulated]\nservice_s = 0.01\n'
    batch = predict(poisson(size=10, timeout=10.0, more=more).configs[0], CPUS, None)
    record = predict(poisson(more=more + 'per = "record"\n').configs[0], CPUS, None)
    assert batch.limit_records_per_s == pytest.approx(6 * 10 / 0.01)
    assert record.limit_records_per_s == pytest.approx(6 / 0.01)


def test_a_full_load_drains_its_window_and_a_drain_its_backlog() -> None:
    window = experiment('[swarm]\nbatch_size = 10\n[swarm.arrivals]\nkind = "saturate"\nwindow_batches = 50\n')
    backlog = experiment('[swarm]\nbatch_size = 10\n[swarm.arrivals]\nkind = "drain"\nbacklog_batches = 400\n')
    for made, seconds in ((window, 2.5), (backlog, 20.0)):
        found = predict(made.configs[0], CPUS, 100.0)
        assert (found.offered_records_per_s, found.utilisation_ratio) == (None, 1.0)
        assert found.drain_s == pytest.approx(seconds)


# Warnings: the config, the speed of a core, the beginning of what is said; then the config beside it, which is fine.

SATURATE = '[swarm.arrivals]\nkind = "saturate"\n'


@pytest.mark.parametrize(
    ("bad", "good", "speed", "said"),
    [
        (lambda: poisson(rate=100.0, more="[trial]\ndrain_timeout_s = 2.9\n"),
         lambda: poisson(rate=100.0, more="[trial]\ndrain_timeout_s = 3.1\n"), 800.0, "can't end: 2,000 records/s"),
        (lambda: poisson(rate=100.0), lambda: poisson(rate=99.0), 995.0, "will be overloaded: 2,000 records/s"),
        (lambda: experiment('[swarm.arrivals]\nkind = "drain"\n[trial]\ndrain_timeout_s = 90.0\n'),
         lambda: experiment('[swarm.arrivals]\nkind = "drain"\n[trial]\ndrain_timeout_s = 110.0\n'),
         1_000.0, "can't end: the workers scan at most 2,000"),
        (lambda: poisson(size=1100, timeout=60.0, rate=100.0), lambda: poisson(size=900, timeout=60.0, rate=100.0),
         None, "an agent flushes every 11 s and the window is 10 s"),
        (lambda: poisson(size=1000, timeout=4.0, rate=100.0),
         lambda: poisson(size=1000, timeout=4.0, rate=100.0, more="[trial]\ncooldown_s = 4.0\n"),
         None, "40% of the window's batches are cut by the load's end"),
        (lambda: poisson(rate=9.9), lambda: poisson(rate=10.1), None, "about 1,980 records in the window, too few"),
        (lambda: experiment(SATURATE), lambda: experiment(SATURATE), 99.0, "about 1,980 records in the window"),
    ],
)  # fmt: skip
def test_a_cell_that_ends_badly_is_warned_of_and_the_one_beside_it_is_not(
    bad: Callable[[], Experiment], good: Callable[[], Experiment], speed: float | None, said: str
) -> None:
    assert [one.cells for one in told(bad(), speed) if one.text.startswith(said)] == [(0,)]
    better = None if speed is None else speed * (1.02 if speed == 99.0 else 1.0)
    assert [one for one in told(good(), better) if one.text.startswith(said[:12])] == []


def test_a_long_plan_is_warned_of() -> None:
    assert any("2.0 h" in one.text for one in told(poisson(), expected_s=7200.0))
    assert not any("budget" in one.text for one in told(poisson(), expected_s=3500.0))


def same(made: Experiment) -> list[tuple[tuple[int, ...], str]]:
    return [(one.cells, one.text) for one in told(made) if one.text.startswith("can't differ")]


def test_a_batch_size_that_timeout_always_beats_makes_no_difference() -> None:
    made = poisson(timeout=0.05, rate=100.0, more='[factors]\n"swarm.batch_size" = [2, 100, 1000]\n')
    ((cells, text),) = same(made)
    assert cells == (1, 2)
    assert "TIMEOUT always beats BATCH_SIZE" in text


def test_a_timeout_that_batch_size_always_beats_makes_no_difference() -> None:
    made = poisson(size=5, rate=1000.0, more='[factors]\n"swarm.timeout_s" = [0.005, 1.0, 2.0]\n')
    ((cells, text),) = same(made)
    assert cells == (1, 2)
    assert "BATCH_SIZE always beats TIMEOUT" in text


def test_a_timeout_under_full_load_makes_no_difference() -> None:
    made = experiment(SATURATE + '[factors]\n"swarm.timeout_s" = [0.1, 1.0]\n')
    ((cells, text),) = same(made)
    assert cells == (0, 1)
    assert "under full load" in text


@pytest.mark.parametrize(
    "factor",
    [
        '"trial.label" = ["a", "b"]',
        '"objectives.p99_response_s" = [0.1, 0.5]',
        '"system.worker_cores" = [2, "all"]',
        '"system.worker_concurrency" = [2, "cores"]',
        '"swarm.arrivals.window_batches" = [512, 511]',
        '[[factors.zip]]\n"system.profile" = ["memoria", "tuned"]',
    ],
)
def test_levels_that_set_nothing_that_counts_are_found(factor: str) -> None:
    size = '[swarm]\nbatch_size = 10\n[swarm.arrivals]\nkind = "saturate"\n'
    table = factor if factor.startswith("[[") else f"[factors]\n{factor}"
    differ = "511" in factor or "profile" in factor
    assert [cells for cells, _ in same(experiment(f"{size}{table}\n"))] == ([] if differ else [(0, 1)])


def test_cells_that_do_differ_are_left_alone() -> None:
    made = poisson(size=100, rate=1000.0, more='[factors]\n"swarm.timeout_s" = [0.09, 0.11]\n"swarm.agents" = [1, 2]\n')
    assert same(made) == []


def test_cells_are_told_together_and_not_all_by_number() -> None:
    assert str(Caveat((3,), "x")) == "cell 3: x"
    assert str(Caveat((0, 2), "x")) == "cells 0, 2: x"
    assert str(Caveat(tuple(range(20)), "x")) == "cells 0, 1, 2, 3, 4, 5, 6, 7 and 12 more: x"
    assert str(Caveat((), "x")) == "x"


# The speed of a core.


def mix(records: float) -> FlushMix:
    return FlushMix(
        method="", by_size_ratio=1.0, by_timeout_ratio=0.0, by_close_ratio=0.0, records_per_batch=records,
        batch_wait_mean_s=None, batch_wait_p50_s=None, batch_wait_p99_s=None,
    )  # fmt: skip


def test_a_cores_speed_is_measured_once_for_cells_that_scan_alike_and_is_a_speed() -> None:
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return time.thread_time()

    speeds = ScanSpeeds(clock=clock)
    one, other = (
        poisson(more=f'[system]\nengine = "re"\n[swarm.records]\nring_size = {size}\n').configs[0] for size in (256, 64)
    )
    first = speeds.of(one, mix(10))
    assert first is not None
    assert 50 < first < 50_000_000
    once = looks
    assert speeds.of(one, mix(10.4)) == first
    assert looks == once
    assert speeds.of(one, mix(20)) != first
    twice = looks
    assert twice > once
    assert speeds.of(other, mix(10)) is not None
    assert looks > twice
    assert speeds.of(one, None) is None


class Clockwork:
    """A clock that an engine moves, the same for each scan but for the first, which is slow, and a disturbance."""

    def __init__(self, scan_s: float) -> None:
        self.now_s, self.scans, self._scan_s = 0.0, 0, scan_s

    def clock(self) -> float:
        return self.now_s

    def build(self, name: str, signatures: Sequence[Signature]) -> SignatureEngine:
        self.name = name
        return self

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        assert len(starts) == len(ends) == 100
        self.scans += 1
        self.now_s += self._scan_s * (10 if self.scans in (1, 5) else 1)
        return hits_of(())


@pytest.mark.parametrize("handoff", ["claim_check", "arguments"])
def test_a_speed_is_the_batchs_records_by_the_time_of_its_fastest_scans(handoff: str) -> None:
    """Exact, on a virtual clock: 100 records in 2 ms. An engine that does the work twice is half as fast."""
    system = f'[system]\nengine = "re"\nhandoff = "{handoff}"\njournal = false\ncoalesce = 1\n'
    config = poisson(more=system + "[swarm.records]\nring_size = 64\n").configs[0]
    for scan_s, expected in ((0.002, 50_000.0), (0.004, 25_000.0)):
        works = Clockwork(scan_s)
        found = ScanSpeeds(clock=works.clock, build=works.build).of(config, mix(100))
        assert found == pytest.approx(expected)
        assert works.scans > LOOKS


# The command.

TEXT = """
[experiment]
name = "tiny"
replicates = 2
[swarm]
agents = 3
[swarm.arrivals]
kind = "poisson"
rate_per_s = 1000.0
[system]
engine = "re"
[factors]
"swarm.batch_size" = [10, 500, 1000]
"swarm.timeout_s" = [0.05, 0.25]
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    path = tmp_path / "tiny.toml"
    path.write_text(TEXT)
    return str(path)


def test_the_table_can_be_read_at_80_columns(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(plan_command, [tiny])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("batch" in line and "flush" in line and "work" in line and "drain" in line for line in lines)
    row = next(line for line in lines if "batch_size=500  timeout_s=0.25" in line)
    assert "251" in row
    assert "125.5" in row
    assert "≥" in row
    said = " ".join(lines)
    assert "closed form, Poisson arrivals" in said
    assert "one core scans here: " in said
    assert "records/s, re, claim_check, batches of 51" in said
    assert "warning: cells 3, 5: can't differ but by chance: TIMEOUT always beats" in said


def test_without_calibration_nothing_is_passed_off_as_this_machines(tiny: str) -> None:
    done = CliRunner().invoke(plan_command, [tiny, "--no-calibrate"])
    assert done.exit_code == 0, done.output
    assert "not measured (--no-calibrate)" in done.stdout
    assert "?" in done.stdout
    assert "≥" not in done.stdout


def test_a_run_begins_with_the_first_warnings_and_says_how_many_more_there_are() -> None:
    factors = (
        '[factors]\n"swarm.batch_size" = [10, 20]\n"swarm.timeout_s" = [5.0, 6.0, 7.0]\n"trial.label" = ["a", "b"]\n'
    )
    console = Console(record=True, width=200)
    warn(poisson(rate=1.0, more=factors), console)
    lines = console.export_text().splitlines()
    assert [line.startswith("warning: cell") for line in lines] == [True, True, True, False]
    assert "cut by the load's end" in lines[0]
    assert lines[-1].startswith("and ")
    assert lines[-1].endswith(" more warnings: see `caudal plan`")
    quiet = Console(record=True)
    warn(poisson(), quiet)
    assert quiet.export_text() == ""


def test_a_system_that_runs_elsewhere_is_not_counted_by_this_machines_cores() -> None:
    more = '[deploy]\nkind = "attach"\nlisten = "127.0.0.1:24224"\nredis_url = "redis://127.0.0.1:6379/0"\n'
    made = poisson(more=more)
    assert [one.utilisation_ratio for one in predicted(made, ScanSpeeds())] == [None]
    assert predict(made.configs[0], CPUS, 1000.0).utilisation_ratio is None
