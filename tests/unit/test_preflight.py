"""What can't be run here is refused before anything starts: by `plan` and by `run`, with the same line and exit code."""

import resource
import socket
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from experiments.cli.main import USAGE, main
from experiments.design.config import decode
from experiments.design.offered import offered
from experiments.running.preflight import MachineError, check
from loadgen import open_files
from loadgen.model.schedule import of_fleet
from tests.unit.test_attempts import CONFIG

TOO_LARGE = '[[signature]]\nid = "huge.one"\nseverity = "low"\ndescription = "Many a."\npattern = "a{70000}"\n'

#: What is set, and what the line says.
REFUSED = {
    "too many cores": (("system.worker_cores=4096",), "system.worker_cores must be at most"),
    "a CPU that isn't there": (("placement.swarm=[4095]",), "placement.swarm names CPU 4095"),
    "more agents than open files": (("swarm.agents=950",), "950 connections need 1050 open files in one process"),
    "more connections than the gateway's": (
        ("swarm.agents=30000",),
        "system.limits.connections must be at least the 30000 connections of the swarm, got 20000",
    ),
    "no such server": (('deploy.redis_server="/nowhere"',), "deploy.redis_server must be a program"),
    "no Redis there": (('deploy.redis_url="redis://127.0.0.1:{port}/0"',), "no Redis answers at"),
    "no system there": (
        ('deploy.kind="attach"', 'deploy.listen="127.0.0.1:1"', 'deploy.redis_url="redis://127.0.0.1:{port}/0"'),
        "no Redis answers at",
    ),
    "a signature that is too large": (('system.rules=["pack.toml"]',), "can't run signature 'huge.one'"),
    "more records than can be drawn": (
        ("swarm.arrivals.rate_per_s=1e9", "trial.measure_s=58"),
        "swarm.arrivals must offer a swarm process at most 840,000,000 records in a load of 60 s, whose times are drawn "
        "before it, got about 180,000,000,000 for 1 (3,000,000,000 records/s)",
    ),
    "more batches than memory holds": (
        ("swarm.arrivals.rate_per_s=1e7", "swarm.batch_size=1"),
        "swarm.arrivals must offer what 24.0 GiB of memory hold, got about 360,000,000 records in 360,000,000 batches, whose"
        " schedule takes about 28.2 GiB in the analysis; offer less",
    ),
    "a key that isn't there": (("swarm.agnets=3",), "the nearest known key is swarm.agents"),
    "no such engine": (('system.engine="hyperscn"',), 'the nearest is "hyperscan"'),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a config and a pack, on a machine of 24 GiB that allows 1,024 open files."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=24 * 2**30))
    monkeypatch.chdir(tmp_path)
    Path("again.toml").write_text(CONFIG.format(attempts=1))
    Path("pack.toml").write_text(TOO_LARGE)


@pytest.fixture
def closed_port() -> str:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    """Exit code and what standard error says; nothing stands on standard output and no result lies about."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    assert said.out == ""
    assert not Path("results").exists()
    return ended.value.code, said.err


@pytest.mark.parametrize(("sets", "said"), REFUSED.values(), ids=list(REFUSED))
def test_plan_refuses_what_run_refuses(
    capsys: pytest.CaptureFixture[str], closed_port: str, sets: tuple[str, ...], said: str
) -> None:
    words = ("again.toml", *(word for one in sets for word in ("--set", one.replace("{port}", closed_port))))
    code, err = refusal(capsys, "run", *words)
    assert refusal(capsys, "plan", *words) == refusal(capsys, "plan", *words, "--no-calibrate") == (code, err)
    assert code == USAGE
    (line,) = err.splitlines()
    assert said in line


@pytest.mark.parametrize("sets", [("swarm.agents=924",), ("swarm.agents=950", "swarm.agents_per_connection=2")])
def test_what_fits_into_the_open_files_is_not_refused(sets: tuple[str, ...]) -> None:
    check(decode(CONFIG.format(attempts=1), source="x", folder=Path(), overrides=sets))


def test_a_running_systems_gateway_is_not_ours_and_several_processes_share_the_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("experiments.running.preflight._server", lambda _: None)
    attach = ('deploy.kind="attach"', 'deploy.listen="127.0.0.1:1"', 'deploy.redis_url="redis://127.0.0.1:1/0"')

    def checked(*sets: str) -> None:
        check(decode(CONFIG.format(attempts=1), source="x", folder=Path(), overrides=sets))

    checked("swarm.agents=1800", "swarm.processes=2", *attach)
    with pytest.raises(MachineError, match=r"1800 connections .* or give swarm\.agents_per_connection$"):
        checked("swarm.agents=1800", "swarm.processes=3")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 1000))
    with pytest.raises(MachineError, match=r"901 connections .* or give swarm\.processes or swarm\.agents_per"):
        checked("swarm.agents=1801", "swarm.processes=2", *attach)


def test_a_swarm_process_that_is_started_all_the_same_says_it_too() -> None:
    with pytest.raises(SystemExit, match=r"950 connections need 1050 open files in one process, and 1024 are allowed"):
        open_files.allow(950)


@pytest.mark.parametrize(
    "sets",
    [
        ("swarm.arrivals.rate_per_s=1.38e7",),  # 3 agents for 12 s: 496.8 million
        ("swarm.arrivals.rate_per_s=2.7e7", "swarm.processes=2"),
        ("swarm.arrivals.rate_per_s=6e6", "swarm.batch_size=1"),
        ('swarm.arrivals={kind = "saturate"}',),
    ],
)
def test_what_can_be_drawn_and_held_is_not_refused(sets: tuple[str, ...]) -> None:
    check(decode(CONFIG.format(attempts=1), source="x", folder=Path(), overrides=sets))


def test_the_memory_that_is_told_is_what_making_a_schedule_takes() -> None:
    """By tracemalloc's peak of a small one."""
    sets = ("swarm.arrivals.rate_per_s=1e4", "swarm.batch_size=1")
    config = decode(CONFIG.format(attempts=1), source="x", folder=Path(), overrides=sets).configs[0]
    told = offered(config)
    assert told is not None
    tracemalloc.start()
    try:
        made = of_fleet(config.swarm.fleet(), seed=1, horizon_s=config.trial.load_s)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.records == pytest.approx(told.records, rel=0.01)
    # Resident it was 0.92 to 1.0: the allocator keeps some.
    assert peak / told.memory_bytes == pytest.approx(0.86, abs=0.1)
    assert told.memory_bytes == pytest.approx(3.6e5 * 84)
