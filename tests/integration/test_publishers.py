"""Both publishers put the same message into Celery's queue, and a Celery worker that knows nothing of us runs it."""

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ResponseError

from experiments.deploy.broker import Broker
from experiments.deploy.process import ChildProcess
from system.broker import journal, keys, payload
from system.broker.batch import Batch
from system.broker.celery_publisher import CeleryPublisher
from system.broker.message import analyse, render
from system.broker.pipelined import STAGED_BYTES, PipelinedPublisher
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.broker.registry import PUBLISHERS
from system.settings import PROFILES, Process, SystemSettings
from system.wire.chunk import Chunk
from system.wire.packing import pack_record

#: What may differ between two messages of one call: who sent it, and the tag that must be new each time.
OWN = {("headers", "origin"), ("properties", "reply_to"), ("properties", "delivery_tag")}


def process(broker: Broker, publisher: str, **settings: Any) -> Process:
    system = SystemSettings(**{"publisher": publisher, **settings})
    return Process(system=system, redis_url=broker.url)


def batch(first: int = 0, lines: tuple[bytes, ...] = (b"one", b"two\xff")) -> Batch:
    chunk = Chunk(3, 1, first, len(lines))
    return Batch(b"t\xe9\0" + chunk.encode(), chunk, b"".join(pack_record(0, line) for line in lines), False, 5)


def publish(broker: Broker, name: str, batches: list[Batch], **settings: Any) -> list[Outcome]:
    async def once() -> list[Outcome]:
        publisher = PUBLISHERS[name](process(broker, name, **settings))
        try:
            return await publisher.publish(batches)
        finally:
            await publisher.close()

    return asyncio.run(once())


def queued(redis: Any) -> list[dict[str, Any]]:
    found = [json.loads(one) for one in reversed(redis.lrange(keys.QUEUE, 0, -1))]
    redis.flushall()
    return found


def fields(message: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    flat: dict[tuple[str, ...], Any] = {}
    for name, value in message.items():
        if name in ("headers", "properties"):
            flat |= {(name, key): inner for key, inner in value.items()}
        else:
            flat[(name,)] = json.loads(base64.b64decode(value)) if name == "body" else value
    return flat


@pytest.mark.parametrize(
    "settings",
    [
        {"journal": True, "handoff": "claim_check"},
        {"journal": False, "handoff": "claim_check"},
        {"journal": False, "handoff": "arguments"},
        {"journal": True, "handoff": "claim_check", "coalesce": 4},
    ],
    ids=["journal", "claim check", "arguments", "coalesced"],
)
def test_both_publishers_write_the_same_message_field_by_field(
    broker: Broker, redis: Any, settings: dict[str, Any]
) -> None:
    batches = [batch(0), batch(2)]
    written = {}
    for name in ("celery", "pipelined"):
        assert publish(broker, name, batches, **settings) == [Outcome.ACCEPTED] * 2
        written[name] = queued(redis)
    assert len(written["celery"]) == (1 if settings.get("coalesce") else 2)
    for theirs, ours in zip(written["celery"], written["pipelined"], strict=True):
        ours_flat, theirs_flat = fields(ours), fields(theirs)
        assert ours_flat.keys() == theirs_flat.keys()
        if settings["handoff"] == "arguments":  # the instant of publishing is an argument, and its own
            for flat in (ours_flat, theirs_flat):
                flat[("body",)][0][2] = 0
                flat.pop(("headers", "argsrepr"))
        for name in ours_flat.keys() - OWN:
            assert ours_flat[name] == theirs_flat[name], name


def test_each_rendering_has_a_delivery_tag_of_its_own() -> None:
    call = analyse([b"t\0x"])
    assert (
        json.loads(render(call))["properties"]["delivery_tag"] != json.loads(render(call))["properties"]["delivery_tag"]
    )


@pytest.mark.parametrize("name", sorted(PUBLISHERS))
def test_a_batch_that_comes_again_is_known_and_not_queued_again(broker: Broker, redis: Any, name: str) -> None:
    assert publish(broker, name, [batch(0)]) == [Outcome.ACCEPTED]
    assert publish(broker, name, [batch(0), batch(2)], coalesce=4) == [Outcome.KNOWN, Outcome.ACCEPTED]
    assert [one["headers"]["batches"] for one in queued(redis)] == [
        [batch(0).id.decode("latin-1")],
        [batch(2).id.decode("latin-1")],
    ]


@pytest.mark.parametrize("name", sorted(PUBLISHERS))
def test_a_server_that_forgot_the_scripts_is_told_again(broker: Broker, redis: Any, name: str) -> None:
    redis.script_flush()
    assert publish(broker, name, [batch(0)]) == [Outcome.ACCEPTED]
    assert len(queued(redis)) == 1


@pytest.mark.parametrize("publisher", [CeleryPublisher, PipelinedPublisher])
def test_no_server_is_an_unavailable_broker(publisher: Any) -> None:
    settings = {"celery": {"broker_transport_options": {"max_retries": 0}}} if publisher is CeleryPublisher else {}

    async def once() -> None:
        one = publisher(Process(system=SystemSettings(**settings), redis_url="redis://127.0.0.1:1/0"))
        with pytest.raises(BrokerUnavailableError):
            await one.publish([batch(0)])
        await one.close()

    asyncio.run(once())


THEIR_APP = """
from celery import Celery
import redis, sys
app = Celery("theirs", broker={url!r})
out = redis.Redis.from_url({url!r})

@app.task(name="caudal.analyse")
def analyse(ids):
    out.rpush("theirs", *[one.encode("latin-1") for one in ids])
"""


def test_an_unmodified_celery_worker_takes_the_pipelined_publishers_messages(
    broker: Broker, redis: Any, tmp_path: Path
) -> None:
    (tmp_path / "their_app.py").write_text(THEIR_APP.format(url=broker.url))
    command = [sys.executable, "-m", "celery", "-A", "their_app", "worker", "--pool", "prefork", "-c", "1"]
    worker = ChildProcess("theirs", command, tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    try:
        assert publish(broker, "pipelined", [batch(0), batch(2)], **_coalesced()) == [Outcome.ACCEPTED] * 2
        until = time.monotonic() + 30
        while redis.llen("theirs") < 2 and time.monotonic() < until and worker.alive:
            time.sleep(0.05)
        assert redis.lrange("theirs", 0, -1) == [batch(0).id, batch(2).id], worker.log.read_text()
        while redis.hlen(keys.UNACKED) and time.monotonic() < until:
            time.sleep(0.05)
        assert redis.hlen(keys.UNACKED) == 0
    finally:
        worker.stop()


def _coalesced() -> dict[str, Any]:
    return {name: PROFILES["tuned"][name] for name in ("journal", "handoff", "coalesce")}


def large(first: int) -> Batch:
    """A batch that is staged: its payload goes by MSET before ACCEPT."""
    return batch(first, (b"x" * STAGED_BYTES, b"two"))


def test_a_large_payload_lies_under_its_own_name_and_nothing_stays_staged(broker: Broker, redis: Any) -> None:
    small = batch(4)
    told = publish(broker, "pipelined", [large(0), small, large(2), large(0)], coalesce=2)
    assert told == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.KNOWN]
    assert not redis.keys(keys.STAGED + b"*")
    for one in (large(0), small, large(2)):
        stored = redis.get(keys.PAYLOAD + one.id)
        assert payload.decode(stored).part.packed == one.packed
        assert redis.ttl(keys.PAYLOAD + one.id) == -1


def test_a_staged_payload_that_is_gone_is_an_error_and_nothing_is_accepted(broker: Broker, redis: Any) -> None:
    """The planted fault: without the look before the first write, the batch would be known and its payload nowhere."""
    arguments = journal.accept_arguments([batch(0), large(2)], b"task", 9, [b"", keys.STAGED + b"nothing"])
    with pytest.raises(ResponseError, match="staged payload"):
        redis.eval(journal.ACCEPT.source, *arguments)
    assert redis.keys("*") == []
    assert publish(broker, "pipelined", [batch(0), large(2)]) == [Outcome.ACCEPTED] * 2


def test_a_round_of_unknown_outcome_leaves_its_names_to_itself(
    broker: Broker, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent may still be executed, once the network lets it through: then it must meet nobody else's payloads."""

    async def no_reply(_connection: Any) -> Any:
        raise TimeoutError

    async def twice() -> tuple[bytes, bytes]:
        one = PipelinedPublisher(Process(system=SystemSettings(), redis_url=broker.url))
        before = one._staging
        with monkeypatch.context() as stalled:
            stalled.setattr("system.broker.pipelined._reply", no_reply)
            with pytest.raises(BrokerUnavailableError):
                await one.publish([batch(0)])
        after = one._staging
        assert await one.publish([batch(2)]) == [Outcome.ACCEPTED]
        assert one._staging == after
        await one.close()
        return before, after

    before, after = asyncio.run(twice())
    assert before != after
