"""A gateway whose Redis user may not do what its publisher does says so and ends, and does not wait for a better time."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.deploy.broker import Broker
from experiments.deploy.process import ChildProcess
from system.settings import PROFILES, Process, SystemSettings, to_environment

pytestmark = pytest.mark.integration

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
GATEWAY = [sys.executable, "-m", "system.gateway", "127.0.0.1:0"]


@pytest.fixture
def gateways_url(broker: Broker, redis: Any) -> Iterator[str]:
    """The broker's URL for a user with the rights that docker-compose.yml gives the gateway."""
    rights = re.search(r"user gateway on >\S+ (.*)", COMPOSE.read_text())
    assert rights is not None
    redis.execute_command("ACL", "SETUSER", "gateway", "reset", "on", ">word", *rights[1].split())
    yield f"redis://gateway:word@{broker.url.split('@')[1]}"
    redis.execute_command("ACL", "DELUSER", "gateway")


def environment(url: str, **system: Any) -> dict[str, str]:
    return to_environment(Process(system=SystemSettings(**system), redis_url=url))


@pytest.mark.parametrize(
    "system", [PROFILES["memoria"], {**PROFILES["tuned"], "publisher": "celery"}], ids=["memoria", "tuned"]
)
def test_celerys_publisher_is_refused_in_words_where_the_user_may_only_put_in(
    gateways_url: str, system: dict[str, Any]
) -> None:
    done = subprocess.run(
        GATEWAY,
        env={**os.environ, **environment(gateways_url, **system)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert 'system.publisher "celery" needs more than the Redis user may do' in line
    assert 'choose "pipelined"' in line


@pytest.mark.parametrize("publisher", ["celery", "pipelined"])
def test_a_publisher_that_may_do_what_it_does_starts(
    broker: Broker, gateways_url: str, publisher: str, tmp_path: Path
) -> None:
    url = broker.url if publisher == "celery" else gateways_url
    gateway = ChildProcess("gateway", GATEWAY, tmp_path, environment=environment(url, publisher=publisher))
    try:
        assert gateway.expect("ready ", 15.0)
    finally:
        gateway.stop()
