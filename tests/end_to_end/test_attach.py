"""A system that `caudal up` runs in another process is measured, or refused by name, and is left as it was."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from experiments.deploy.broker import free_port, program
from experiments.deploy.process import ChildProcess
from system.broker import keys
from system.broker.presence import VERSION

from .conftest import Shell
from .test_up import Up

#: No word that a signature's name could hold.
PASSWORD = "pw5e1f7c"

CONFIG = """
[experiment]
name = "attached"
replicates = 1
[swarm]
agents = 4
batch_size = 50
[swarm.arrivals]
kind = "poisson"
rate_per_s = 200.0
[system]
engine = "re"
[trial]
warmup_s = 0.5
measure_s = 1.5
[validity]
send_lag_p99_s = 10.0             # how busy the machine is isn't this test's business
trend_ratio = 1.0
"""


class Running:
    """`caudal up` on a Redis of its own."""

    def __init__(self, shell: Shell, stack: ExitStack) -> None:
        port = free_port()
        server = [program(None), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", ""]
        broker = ChildProcess("broker", server, shell.folder, environment={})
        stack.callback(broker.stop)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        self.redis = redis_client.Redis.from_url(self.url)
        stack.callback(self.redis.close)
        while True:
            try:
                self.redis.ping()
                break
            except redis_client.ConnectionError:
                broker.check_alive()
        self.up = Up(shell, "--redis", self.url, "--set", "engine=re")
        self._shell = shell

    def measure(self, *words: str) -> tuple[int, str]:
        """`caudal run --attach`: its exit code and all that it said."""
        done = self._shell.run("run", "attached.toml", "--attach", self.up.address, "--redis", self.url, *words)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def running(shell: Shell) -> Iterator[Running]:
    (shell.folder / "attached.toml").write_text(CONFIG)
    with ExitStack() as stack:
        yield Running(shell, stack)


def summary(shell: Shell) -> dict[str, Any]:
    (path,) = (shell.folder / "results" / "attached").glob("*/summary.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_running_system_is_measured_and_goes_on(shell: Shell, running: Running) -> None:
    line = shell.folder / "one.log"
    line.write_bytes(b"sqlmap/1.7\n" * 10)
    assert shell.run("agent", "--file", str(line), "--to", running.up.address).returncode == 0
    # Twice: the counters of the first trial are no part of the second.
    for _ in range(2):
        code, said = running.measure()
        assert code == 0, said
        assert PASSWORD not in said
        (trial,) = summary(shell)["trials"]
        ledger = trial["ledger"]
        assert trial["reasons"] == []
        assert ledger["planned"] == ledger["sent"] == ledger["acknowledged"] == ledger["analysed"] > 1000
        assert (trial["detections"]["missed"], trial["detections"]["spurious"]) == (0, 0)
        assert trial["detections"]["found"] == trial["detections"]["planted"] > 0
        assert trial["cost"]["cpu_s_per_million_records"]["workers"] > 0, "its processes are on this machine"
        kept = [path for path in (shell.folder / "results").rglob("*") if path.is_file()]
        assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]
        shutil.rmtree(shell.folder / "results")
        assert running.redis.get(keys.HARNESS) is None
    assert shell.run("agent", "--file", str(line), "--to", running.up.address).returncode == 0
    told = running.up.stop()
    assert told["batches_accepted"] == told["batches_analysed"]
    assert told["records_analysed"] == 20 + 2 * ledger["sent"]


def test_what_cannot_be_measured_is_refused_by_name(shell: Shell, running: Running) -> None:
    rules = shell.folder / "rules.txt"
    rules.write_text("sqlmap\n")
    for words, complaint in (
        (("--set", "system.engine=re2"), """engine = "re" (not "re2"); --set 'system.engine="re"' takes them over"""),
        (("--set", f'system.rules=["{rules}"]'), "scans with other rules"),
    ):
        code, said = running.measure(*words)
        assert (code, said.count("\n")) == (2, 1), said
        assert complaint in said
    at, _, told = running.redis.hgetall(keys.PROCESSES).popitem()[1].partition(b" ")
    other = json.loads(told) | {"version": VERSION + 1}
    running.redis.hset(keys.PROCESSES, "gateway of tomorrow", at + b" " + json.dumps(other).encode())
    code, said = running.measure()
    assert code == 2
    assert f"gateway of tomorrow speaks version {VERSION + 1} of the keys and result rows" in said
    running.redis.hdel(keys.PROCESSES, "gateway of tomorrow")
    running.redis.set(keys.HARNESS, "somebody, pid 1")
    code, said = running.measure()
    assert code == 3
    assert "another harness measures this system (somebody, pid 1)" in said
    assert running.redis.get(keys.HARNESS) == b"somebody, pid 1", "what another one holds isn't set free"
    running.redis.delete(keys.HARNESS)
    assert running.up.stop()["batches_accepted"] == 0


def test_a_system_that_somebody_else_feeds_is_refused(shell: Shell, running: Running, tmp_path: Path) -> None:
    busy = tmp_path / "busy.log"
    busy.write_bytes(b"an ordinary line of a log\n" * 100_000)
    feeder = shell.start(
        "agent", "--file", str(busy), "--to", running.up.address, "--batch-size", "10", "--pause", "0.1"
    )
    while not running.redis.hget(keys.COUNTERS, "batches_accepted"):
        assert feeder.poll() is None
    code, said = running.measure()
    feeder.kill()
    assert code == 3, said
    assert "not at rest" in said
    assert "somebody else feeds it" in said
    running.up.stop()


def test_a_redis_without_a_system_is_refused(shell: Shell, tmp_path: Path) -> None:
    (shell.folder / "attached.toml").write_text(CONFIG)
    with ExitStack() as stack:
        port = free_port()
        server = [program(None), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        stack.callback(ChildProcess("broker", server, tmp_path, environment={}).stop)
        url = f"redis://127.0.0.1:{port}/0"
        while shell.run("health", "redis", "--redis", url).returncode:
            pass
        done = shell.run("run", "attached.toml", "--attach", "127.0.0.1:1", "--redis", url)
    assert done.returncode == 2
    assert f"no gateway announces itself in the Redis at 127.0.0.1:{port} (nobody does)" in done.stderr
