"""A gateway that was started with few open files asks for more: the usual limit is 1,024, and a fleet is larger."""

import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.deploy.broker import Broker
from experiments.deploy.process import ChildProcess
from system import open_files
from system.settings import Limits, Process, SystemSettings, to_environment
from tests.integration.gateway_fakes import ID_ACK, message

pytestmark = pytest.mark.integration

FEW = 64


@pytest.fixture
def few() -> Iterator[None]:
    """This process's own limit, which those it starts inherit, is nearly reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("module", ["system.gateway", "system.variants.threaded_gateway"])
def test_a_gateway_takes_more_connections_than_the_limit_it_was_started_with(
    broker: Broker, few: None, module: str, tmp_path: Path
) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = to_environment(Process(system=SystemSettings(limits=Limits(connections=200)), redis_url=broker.url))
    gateway = ChildProcess("gateway", [sys.executable, "-m", module, "127.0.0.1:0"], tmp_path, environment=told)
    try:
        host, _, port = gateway.expect("ready ", 15.0).rpartition(":")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # ours: the test has as many ends
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection((host, int(port)), 10)) for _ in range(2 * FEW)]
            for client in clients:
                client.sendall(message())
            assert [client.recv(len(ID_ACK)) for client in clients] == [ID_ACK] * len(clients)
    finally:
        gateway.stop()


@pytest.mark.parametrize(
    ("limits", "connections", "asked"),
    [
        ((1024, 4096), 2000, (2100, 4096)),
        ((1024, 4096), 20_000, (4096, 4096)),
        ((1024, resource.RLIM_INFINITY), 20_000, (20_100, resource.RLIM_INFINITY)),
        ((1024, 4096), 900, None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 20_000, None),
    ],
)
def test_it_asks_for_what_it_needs_and_may_have(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], connections: int, asked: tuple[int, int] | None
) -> None:
    heard: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: heard.append(wanted))
    open_files.ask_for(connections)
    assert heard == ([] if asked is None else [asked])


def test_a_limit_that_is_inherited_is_the_small_one(few: None) -> None:
    """What the first test plants is there: without asking, a process started now has no more."""
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{FEW}\n"
