"""The profile durable: what was acknowledged outlives `kill -9` of the broker, and nothing less is taken for durable."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from experiments.deploy import broker as brokers
from experiments.deploy.broker import Broker, BrokerError
from system.broker import durable, keys
from system.broker.batch import Batch
from system.broker.pipelined import PipelinedPublisher
from system.broker.publisher import Outcome
from system.settings import PROFILES, Process, SystemSettings
from system.wire.chunk import Chunk
from system.wire.packing import pack_record

BATCHES = 200


def accept(server: Broker) -> set[bytes]:
    """Batches that the publisher would acknowledge, ten a round."""
    system = SystemSettings(**{**PROFILES["durable"], "coalesce": 5})

    async def publish() -> set[bytes]:
        publisher = PipelinedPublisher(Process(system=system, redis_url=server.url))
        accepted: set[bytes] = set()
        for begin in range(0, BATCHES, 10):
            batches = []
            for first in range(begin, begin + 10):
                chunk = Chunk(1, 2, first, 1)
                batches.append(
                    Batch(b"t\0" + chunk.encode(), chunk, pack_record(0, b"line"), gzip=False, received_mono_ns=5)
                )
            outcomes = await publisher.publish(batches)
            accepted |= {one.id for one, told in zip(batches, outcomes, strict=True) if told is Outcome.ACCEPTED}
        await publisher.close()
        return accepted

    return asyncio.run(publish())


def kept(server: Broker) -> set[bytes]:
    """Batches that are in the journal and have their payload."""
    with server.client() as client:
        return {one for one in client.zrange(keys.PENDING, 0, -1) if client.exists(keys.PAYLOAD + one)}


def kill(server: Broker) -> None:
    assert server.process is not None
    server.process.stop(grace_s=5.0, number=9)


@pytest.mark.parametrize("fsync", [True, False], ids=["durable", "in memory (the control)"])
def test_kill_9_of_the_broker_loses_what_was_accepted_only_where_nothing_was_on_the_disk(
    tmp_path: Path, fsync: bool
) -> None:
    server = brokers.start(tmp_path, named=None, url=None, cpus=(), fsync=fsync)
    try:
        accepted = accept(server)
        assert len(accepted) == BATCHES
        kill(server)
        server.restart()
        assert kept(server) == (accepted if fsync else set())
        with server.client() as client:
            assert client.llen(keys.QUEUE) == (BATCHES / 5 if fsync else 0)
    finally:
        server.stop()


def test_the_data_lie_in_the_trials_folder_and_go_with_the_server(tmp_path: Path) -> None:
    server = brokers.start(tmp_path, named=None, url=None, cpus=(), fsync=True)
    try:
        accept(server)
        assert [one for one in (tmp_path / "broker-data").rglob("*") if one.is_file() and one.stat().st_size > 0]
        assert (tmp_path / "broker-data").stat().st_mode & 0o777 == 0o700
        with server.client() as client:
            durable.verify(client)
    finally:
        server.stop()
    assert not (tmp_path / "broker-data").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "appendonly no, appendfsync everysec"),
        ({"appendonly": "yes"}, "appendfsync everysec"),
        ({"appendfsync": "always"}, "appendonly no"),
        (
            {
                "appendonly": "yes",
                "appendfsync": "always",
                "no-appendfsync-on-rewrite": "yes",
                "maxmemory-policy": "allkeys-lru",
            },
            "no-appendfsync-on-rewrite yes, maxmemory-policy allkeys-lru",
        ),
    ],
)
def test_a_running_server_that_is_not_set_so_is_refused_with_what_to_set(
    broker: Broker, redis: Any, settings: dict[str, str], said: str
) -> None:
    before = {name: redis.config_get(name)[name] for name in durable.REQUIRED}
    try:
        for name, value in settings.items():
            redis.config_set(name, value)
        with pytest.raises(BrokerError, match=f"this one has {said}: set `appendonly yes`, `appendfsync always`"):
            brokers.start(Path(), named=None, url=broker.url, cpus=(), fsync=True)
        brokers.start(Path(), named=None, url=broker.url, cpus=(), fsync=False)
    finally:
        for name, value in before.items():
            redis.config_set(name, value)


def test_a_running_server_that_does_not_tell_is_refused(broker: Broker, redis: Any) -> None:
    redis.execute_command("ACL", "SETUSER", "mute", "on", ">word", "~*", "&*", "+@all", "-config")
    try:
        url = broker.url.replace("redis://:", "redis://mute:").replace(broker.url.split(":")[2].split("@")[0], "word")
        with pytest.raises(BrokerError, match=r"doesn't tell \(CONFIG GET: .*let its user run `config\|get`"):
            brokers.start(Path(), named=None, url=url, cpus=(), fsync=True)
    finally:
        redis.execute_command("ACL", "DELUSER", "mute")
