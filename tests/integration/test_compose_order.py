"""The services' very commands as plain processes, Redis last: nothing starts before it answers, and then all of it works."""

import copy
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import redis as redis_client
import yaml
from redis.exceptions import NoPermissionError

from system.broker import keys
from system.broker.presence import present
from tests.integration.compose_runner import Services

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VARIABLES: Final = {"CAUDAL_REDIS_PASSWORD": "trusted1", "CAUDAL_GATEWAY_PASSWORD": "gateway2"}
LINES: Final = (ROOT / "experiments" / "configs" / "sample.log").read_bytes().count(b"\n")

#: For how long nothing may start while Redis isn't there. The plant below starts at once.
HELD_S: Final = 2.0


@contextmanager
def services(folder: Path, compose: dict[str, Any]) -> Iterator[Services]:
    running = Services(compose, ROOT, folder, VARIABLES)
    try:
        yield running
    finally:
        running.down()


def client(running: Services, user: str, password: str) -> Any:
    return redis_client.Redis(port=running.redis_port, username=user, password=password)


def test_nothing_starts_before_redis_answers_and_then_lines_become_rows(tmp_path: Path) -> None:
    with services(tmp_path, COMPOSE) as running:
        running.up("agent", "sweeper", "worker", "gateway")
        time.sleep(HELD_S)  # the condition is that nothing happens
        assert running.events == []
        running.up("redis")
        for name in ("redis", "gateway", "worker"):
            running.wait(name, "healthy", 60.0)
        running.wait("agent", "started", 10.0)
        assert running.early() == []
        redis = client(running, "caudal", VARIABLES["CAUDAL_REDIS_PASSWORD"])
        until = time.monotonic() + 30
        while int(redis.hget(keys.COUNTERS, "records_analysed") or 0) < LINES:
            assert time.monotonic() < until, redis.hgetall(keys.COUNTERS)
            time.sleep(0.05)
        assert int(redis.hget(keys.COUNTERS, "records_analysed")) == LINES
        assert redis.zcard(keys.PENDING) == 0
        assert redis.llen(keys.ROWS) >= 3
        assert {one.part for one in present(redis)} == {"gateway", "worker", "sweeper"}
        # Large batches take another way into Redis (pipelined.py), for which the gateway's user needs other rights.
        large = tmp_path / "large.log"
        large.write_bytes((b"x" * 999 + b"\n") * 2000)
        words = ["agent", "--file", str(large), "--to", f"127.0.0.1:{running.gateway_port}", "--batch-size", "1000"]
        subprocess.run([Path(sys.executable).with_name("caudal"), *words], check=True, timeout=60)
        while int(redis.hget(keys.COUNTERS, "records_analysed")) < LINES + 2000:
            assert time.monotonic() < until + 60, redis.hgetall(keys.COUNTERS)
            time.sleep(0.05)
        refused_to_gateway(running)
        for name, process in running.processes.items():
            process.check_alive()
            assert "waiting for the Redis" not in process.log.read_text(), name
        redis.close()


def refused_to_gateway(running: Services) -> None:
    """The gateway's user may do what the gateway does, and none of these."""
    redis = client(running, "gateway", VARIABLES["CAUDAL_GATEWAY_PASSWORD"])
    redis.set("b:planted", b"payload")
    for refused in (
        lambda: redis.get("b:planted"),
        lambda: redis.set("b:planted", b"other", get=True),
        lambda: redis.lpop(keys.QUEUE),
        lambda: redis.brpop(keys.QUEUE, 1),
        lambda: redis.lrange(keys.ROWS, 0, -1),
        lambda: redis.set("rows", b""),
        lambda: redis.flushall(),
        lambda: redis.config_get("*"),
        lambda: redis.keys("*"),
        lambda: redis.eval("return 1", 0),
        lambda: redis.delete("pending"),
        lambda: redis.rename("b:planted", "p:planted"),
    ):
        with pytest.raises(NoPermissionError):
            refused()
    redis.close()
    with pytest.raises(redis_client.AuthenticationError), client(running, "caudal", "wrong") as other:
        other.ping()
    with redis_client.Redis(port=running.redis_port) as nobody, pytest.raises(redis_client.AuthenticationError):
        nobody.ping()


@pytest.mark.parametrize("planted", ["no dependency", "started is enough"])
def test_a_file_that_lets_them_start_early_is_noticed_and_they_wait_by_themselves(tmp_path: Path, planted: str) -> None:
    compose = copy.deepcopy(COMPOSE)
    service = compose["services"]["gateway"]
    if planted == "no dependency":
        del service["depends_on"]
    else:
        service["depends_on"] = ["redis"]
        held = f"until [ -e {tmp_path}/go ]; do sleep 0.1; done\n"
        compose["services"]["redis"]["command"][2] = held + compose["services"]["redis"]["command"][2]
    with services(tmp_path, compose) as running:
        running.up("gateway")
        if planted == "started is enough":
            running.up("redis")
        running.wait("gateway", "started", 10.0)
        until = time.monotonic() + 30
        while "waiting for the Redis" not in running.processes["gateway"].log.read_text():
            assert time.monotonic() < until
            time.sleep(0.05)
        assert not running.has("redis", "healthy")
        (tmp_path / "go").touch()
        if planted == "no dependency":
            running.up("redis")
        running.wait("gateway", "healthy", 60.0)
        assert running.early() == ["gateway"]
