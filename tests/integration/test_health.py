"""Parts wait for a broker that comes last, say who they are, and are called healthy only while they do their work."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from experiments.deploy.broker import Broker, free_port, program
from experiments.deploy.process import ChildProcess, ProcessError
from system.broker import keys
from system.broker.presence import VERSION, Announcement, OtherVersionError, clock_name, present
from system.health import UnhealthyError
from system.health.gateway import check_gateway
from system.health.redis import check_redis
from system.health.worker import check_worker
from system.settings import PROFILES, Process, SystemSettings, to_environment

pytestmark = pytest.mark.integration

#: Fewest imports and no database to compile: the test is about processes.
SYSTEM = SystemSettings(engine="re", celery=PROFILES["tuned"]["celery"])
PARTS = {
    "gateway": ["-m", "system.gateway", "127.0.0.1:0"],
    "worker": ["-m", "system.worker"],
    "sweeper": ["-m", "system.sweeper"],
}


def wait(reached: Callable[[], Any], deadline_s: float = 30.0) -> None:
    until = time.monotonic() + deadline_s
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.02)


def start(stack: ExitStack, folder: Path, part: str, url: str) -> ChildProcess:
    process = Process(system=SYSTEM, redis_url=url)
    child = ChildProcess(part, [sys.executable, *PARTS[part]], folder, environment=to_environment(process))
    stack.callback(child.stop)
    return child


def test_what_is_started_before_redis_waits_says_so_and_comes_up(tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://:secret@127.0.0.1:{port}/0"
    with ExitStack() as stack:
        children = {part: start(stack, tmp_path, part, url) for part in PARTS}
        for part, child in children.items():
            wait(lambda log=child.log: "waiting for the Redis at 127.0.0.1" in log.read_text())
            assert child.alive, part
            assert child.said("ready") is None, f"{part} was ready without Redis"
            assert "secret" not in child.log.read_text()
        with pytest.raises(UnhealthyError, match="no Redis answers"):
            check_redis(url, 1.0)
        server = [program(None), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", "secret", "--save", ""]
        broker = ChildProcess("broker", server, tmp_path, environment={})
        stack.callback(broker.stop)
        host, _, number = children["gateway"].expect("ready ", 20.0).rpartition(":")
        assert children["worker"].expect("ready ", 30.0) == "node0"
        check_redis(url, 5.0)
        check_gateway(host, int(number), 5.0)
        check_worker(url, 0, 20.0)
        assert all(child.alive for child in children.values())


def test_a_password_that_redis_refuses_is_told_and_not_waited_for(broker: Broker, tmp_path: Path) -> None:
    url = broker.url.replace(":", ":wrong", 2).replace("redis:wrong", "redis:")
    with ExitStack() as stack:
        for part in PARTS:
            child = start(stack, tmp_path, part, url)
            with pytest.raises(ProcessError, match=r"refuses us: .*put user and password in the URL") as told:
                child.expect("ready", 20.0)
            assert told.value.code == 2
            assert "wrong" not in str(told.value)


@pytest.fixture
def system(redis: Any, broker: Broker, tmp_path: Path) -> Iterator[dict[str, ChildProcess]]:
    """A gateway and a worker that are ready."""
    with ExitStack() as stack:
        children = {part: start(stack, tmp_path, part, broker.url) for part in ("gateway", "worker")}
        children["worker"].expect("ready", 30.0)
        yield children


def test_a_part_that_stands_still_is_not_healthy_and_one_that_works_is(
    system: dict[str, ChildProcess], broker: Broker, redis: Any
) -> None:
    host, _, port = system["gateway"].expect("ready ", 20.0).rpartition(":")
    for _ in range(3):
        check_gateway(host, int(port), 5.0)
    check_worker(broker.url, 0, 20.0)
    wait(lambda: redis.hget(keys.COUNTERS, "batches_analysed") == b"1")
    counted = redis.hgetall(keys.COUNTERS)
    assert (counted[b"batches_accepted"], counted[b"records_analysed"]) == (b"1", b"0"), "a check leaves nothing behind"
    with pytest.raises(UnhealthyError, match=r"node7@.* took no task within 3 s; node0@.* did"):
        check_worker(broker.url, 7, 3.0)
    for part in ("gateway", "worker"):
        os.kill(system[part].pid, signal.SIGSTOP)
    try:
        with pytest.raises(UnhealthyError, match="no acknowledgement"):
            check_gateway(host, int(port), 0.5)
        with pytest.raises(UnhealthyError, match=r"took no task within 0\.5 s, nor did another worker"):
            check_worker(broker.url, 0, 0.5)
        assert redis.llen(keys.QUEUE) == 0, "the task that nobody took is taken back"
    finally:
        for part in ("gateway", "worker"):
            os.kill(system[part].pid, signal.SIGCONT)


def test_the_parts_say_who_they_are_until_they_end(system: dict[str, ChildProcess], redis: Any) -> None:
    wait(lambda: len(present(redis)) == 2)
    found = {one.part: one for one in present(redis)}
    assert {part: one.pid for part, one in found.items()} == {part: child.pid for part, child in system.items()}
    assert all(one.settings == SYSTEM and one.clock == clock_name() for one in found.values())
    assert found["worker"].rules is not None
    for child in system.values():
        child.stop(grace_s=30.0)
    assert present(redis) == []


def test_another_version_is_refused_by_name_and_one_that_is_gone_is_not_seen(redis: Any) -> None:
    said = json.dumps({"version": VERSION + 1, "part": "mill"})
    redis.hset(keys.PROCESSES, "mill on host, pid 1", f"{redis.time()[0]} {said}")
    with pytest.raises(
        OtherVersionError, match=rf"mill on host, pid 1 speaks version {VERSION + 1} .* speaks {VERSION}"
    ):
        present(redis)
    redis.hset(keys.PROCESSES, "mill on host, pid 1", f"{redis.time()[0] - 60} {said}")
    assert present(redis) == []


def test_a_name_tells_what_and_where() -> None:
    one = Announcement(part="worker", host="web1", pid=7, clock="", node=3, concurrency=1, settings=SYSTEM)
    assert one.name == "worker 3 on web1, pid 7"
