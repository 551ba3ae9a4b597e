"""`caudal up --profile durable`: what it acknowledged outlives `kill -9` of its broker; no server that forgets is taken."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.deploy import broker as brokers
from experiments.deploy.broker import Broker

from .conftest import Shell
from .test_errors import assert_one_line
from .test_up import Up

LINES = 2000

#: All batches are at work or wait when the broker is killed, and what its workers held comes back soon.
SLOW = (
    "engine=emulated", "emulated.service_s=1.5", "coalesce=1", "worker_concurrency=10", "sweep_age_s=2.0",
    "sweep_period_s=0.2", "celery.broker_transport_options={visibility_timeout = 5, unacked_restore_interval = 1}",
)  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[bool], Broker]]:
    """Starts a server of the test's own, on the disk or in memory."""
    started: list[Broker] = []

    def start(fsync: bool) -> Broker:
        started.append(brokers.start(tmp_path, named=None, url=None, cpus=(), fsync=fsync))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_a_server_that_is_not_set_so_is_refused_with_what_to_set(
    shell: Shell, server: Callable[[bool], Broker]
) -> None:
    done = shell.run("up", "--profile", "durable", "--listen", "127.0.0.1:0", "--redis", server(False).url)
    named = ("appendonly no", "set `appendonly yes`, `appendfsync always`")
    assert_one_line(done.returncode, done.stdout, done.stderr, named)


def test_it_ships_and_analyses_on_a_server_of_its_own(shell: Shell) -> None:
    file = shell.folder / "some.log"
    file.write_bytes(b"an ordinary line of a log\n" * LINES)
    up = Up(shell, "--profile", "durable", detections=False)
    assert shell.run("agent", "--file", str(file), "--to", up.address).returncode == 0
    assert up.stop()["records_analysed"] == LINES


@pytest.mark.long
@pytest.mark.parametrize("profile", ["durable", "tuned"])
def test_what_was_acknowledged_outlives_kill_9_of_the_broker_only_where_it_was_on_the_disk(
    shell: Shell, server: Callable[[bool], Broker], profile: str
) -> None:
    """`tuned` is the control: the same kill loses all of it."""
    broker = server(profile == "durable")
    settings = [word for one in SLOW for word in ("--set", one)]
    up = Up(shell, "--profile", profile, "--redis", broker.url, *settings, detections=False)
    file = shell.folder / "some.log"
    file.write_bytes(b"an ordinary line of a log\n" * LINES)
    shipped = shell.run("agent", "--file", str(file), "--to", up.address, "--batch-size", "100")
    assert shipped.returncode == 0, shipped.stderr  # all was acknowledged
    assert broker.process is not None
    broker.process.stop(grace_s=5.0, number=9)
    broker.restart()
    told = up.stop()
    if profile == "durable":
        assert told["batches_accepted"] == told["batches_analysed"] == LINES / 100
        assert told["records_analysed"] == LINES
    else:
        assert told["records_analysed"] == 0
