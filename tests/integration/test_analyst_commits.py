"""The analyst's commits: no instant is lost on its way to a row, and no batch is left where nobody finds it."""

import os
import time
from typing import Any

import numpy as np
import pytest

from experiments.deploy.broker import Broker
from system.broker import journal, keys, payload
from system.broker.batch import Batch
from system.engine.registry import build
from system.settings import Process, SystemSettings
from system.signatures.model import Signature
from system.wire import row
from system.wire.chunk import Chunk
from system.wire.packing import pack_record
from system.worker.analyst import WRITERS, Analyst
from system.worker.child import Child

SIGNATURE = Signature(id="t.evil", severity="high", pattern="evil", description="", match=("evil",), no_match=("good",))


def process(broker: Broker, **settings: Any) -> Process:
    return Process(system=SystemSettings(engine="re", **settings), redis_url=broker.url, detections=True)


@pytest.fixture
def make(broker: Broker, redis: Any) -> Any:
    def one(**settings: Any) -> Analyst:
        return Analyst(process(broker, **settings), [SIGNATURE], build("re", [SIGNATURE]), redis)

    return one


def accept(redis: Any, first: int, *, name: bytes | None = None) -> bytes:
    """One batch of one evil record in the journal."""
    chunk = Chunk(3, 1, first, 1)
    one = b"t\0" + chunk.encode() if name is None else name
    batch = Batch(one, chunk if name is None else None, pack_record(0, b"evil"), False, 5)
    redis.eval(journal.ACCEPT.source, *journal.accept_arguments([batch], b"", 9))
    return batch.id


def rows(redis: Any) -> np.ndarray:
    return row.split(b"".join(redis.lrange(keys.ROWS, 0, -1)))[0]


def shipped(redis: Any) -> list[int]:
    """The tasks whose commit instants have been shipped, in order."""
    return [seq for seq in rows(redis)["committed_seq"].tolist() if seq]


@pytest.mark.parametrize("name", [bytes(range(1, 17)), b"\0" * 16, b"abc\0" * 4, b"\xff" * 16], ids=repr)
def test_a_batch_whose_client_named_no_chunk_is_analysed_as_another_clients(redis: Any, make: Any, name: bytes) -> None:
    make().analyse([accept(redis, 0, name=name)])
    (header,) = rows(redis)
    assert (header["agent"], header["epoch"], header["records"], header["hits"]) == (row.FOREIGN_AGENT, 0, 1, 1)
    assert redis.zcard(keys.PENDING) == 0


def test_a_repeated_task_between_two_loses_no_commit_instant(redis: Any, make: Any) -> None:
    analyst = make()
    first = accept(redis, 0)
    analyst.analyse([first])
    analyst.analyse([first])
    analyst.analyse([accept(redis, 1)])
    analyst.stamp()
    written = rows(redis)
    assert written["kind"].tolist() == [row.ANALYSED, row.ANALYSED, row.STAMP]
    assert shipped(redis) == [int(written["seq"][0]), int(written["seq"][1])]


def overtake(redis: Any, make: Any, analyst: Analyst, *ids: bytes) -> None:
    """`analyst` has begun the batches, and another finishes the first of them meanwhile."""
    held = analyst._fetch(list(ids))
    make().analyse([ids[0]])
    analyst._fetch = lambda _: held  # type: ignore[method-assign]
    analyst.analyse(list(ids))


def test_an_instant_that_travelled_with_a_row_nobody_wanted_is_shipped_alone(redis: Any, make: Any) -> None:
    analyst = make()
    analyst.analyse([accept(redis, 0)])
    mine = int(rows(redis)["seq"][0])
    overtake(redis, make, analyst, accept(redis, 1))
    found = rows(redis)
    assert found["kind"].tolist() == [row.ANALYSED, row.ANALYSED, row.STAMP]
    assert found["committed_seq"].tolist() == [0, 0, mine]
    assert found["committed_mono_ns"][2] > found["scanned_mono_ns"][0]
    assert analyst.uncarried is None


def test_the_rest_of_a_group_that_was_overtaken_ships_its_own_instant_too(redis: Any, make: Any) -> None:
    analyst = make()
    analyst.analyse([accept(redis, 0)])
    overtake(redis, make, analyst, accept(redis, 1), accept(redis, 2))
    analyst.stamp()
    assert sorted(rows(redis)["first"][rows(redis)["kind"] == row.ANALYSED].tolist()) == [0, 1, 2]
    assert shipped(redis) == [1, 2]


def test_a_commit_that_fails_leaves_the_earlier_instant_to_be_shipped(redis: Any, make: Any) -> None:
    analyst = make()
    analyst.analyse([accept(redis, 0)])
    waiting = analyst.uncarried

    def fail(_: Any) -> list[int]:
        raise ConnectionError("away")

    analyst._finish = fail
    with pytest.raises(ConnectionError):
        analyst.analyse([accept(redis, 1)])
    assert analyst.uncarried == waiting
    analyst.stamp()
    assert shipped(redis) == [1]


def test_without_a_journal_a_task_that_comes_again_writes_nothing_and_is_counted(redis: Any, make: Any) -> None:
    name = b"t\0" + Chunk(3, 1, 0, 1).encode()
    stored = payload.encode(Batch(name, None, pack_record(0, b"evil"), gzip=False, received_mono_ns=1), 2)
    redis.set(keys.PAYLOAD + name, stored)
    analyst = make(journal=False)
    analyst.analyse([name])
    analyst.analyse([name])
    assert len(rows(redis)) == 1
    assert redis.hget(keys.COUNTERS, "repeat_executions") == b"1"
    assert redis.hget(keys.COUNTERS, "batches_analysed") == b"1"


def test_without_a_journal_rows_past_the_limit_are_dropped_and_counted(redis: Any, make: Any) -> None:
    names = [b"t\0" + Chunk(3, 1, first, 1).encode() for first in range(5)]
    for name in names:
        redis.set(keys.PAYLOAD + name, payload.encode(Batch(name, None, pack_record(0, b"evil"), False, 1), 2))
    analyst = make(journal=False, rows_limit=3)
    analyst.analyse(names[:2])
    analyst.analyse(names[2:])
    assert rows(redis)["first"].tolist() == [0, 1, 2]
    assert redis.hget(keys.COUNTERS, "rows_dropped") == b"2"
    assert redis.hget(keys.COUNTERS, "batches_analysed") == b"5"
    analyst.analyse_records(names[0], 1, 2, 3, ["evil"])
    assert redis.hget(keys.COUNTERS, "rows_dropped") == b"3"


def test_analysts_of_one_process_are_told_apart_and_from_those_of_any_other(redis: Any, broker: Broker) -> None:
    writers = set()
    for number in (0, 1, WRITERS - 1):
        analyst = Analyst(process(broker), [SIGNATURE], build("re", [SIGNATURE]), redis, number)
        analyst.analyse([accept(redis, number)])
        writers.add(int(rows(redis)["writer"][-1]))
    assert {divmod(writer, WRITERS) for writer in writers} == {(os.getpid(), n) for n in (0, 1, WRITERS - 1)}
    assert (2**22 - 1) * WRITERS + WRITERS - 1 == 2**32 - 1  # Linux: at most 2^22 process ids


def test_a_batch_whose_payload_is_gone_is_given_up_past_the_cap(redis: Any, make: Any) -> None:
    one = accept(redis, 0)
    redis.delete(keys.PAYLOAD + one)
    analyst = make(attempts=2)
    for _ in range(2):
        analyst.analyse([one])
        assert redis.zscore(keys.PENDING, one) is not None
    analyst.analyse([one])
    assert rows(redis)["kind"].tolist() == [row.DEAD]
    assert redis.zcard(keys.PENDING) == 0
    assert redis.hget(keys.DEAD, one + b":reason") == b"given up after 2 attempts"


def test_a_child_ships_its_last_commit_instant_when_no_next_task_comes(redis: Any, broker: Broker) -> None:
    child = Child(process(broker), [SIGNATURE], build("re", [SIGNATURE]))
    names = [accept(redis, first).decode("latin-1") for first in range(2)]
    child.analyse([names[0]])
    child.analyse([names[1]])
    until = time.monotonic() + 10
    while shipped(redis) != [1, 2]:
        assert time.monotonic() < until, shipped(redis)
        time.sleep(0.01)
    assert rows(redis)["kind"].tolist() in (
        [row.ANALYSED, row.ANALYSED, row.STAMP],
        [row.ANALYSED, row.STAMP, row.ANALYSED, row.STAMP],  # the two tasks were more than 50 ms apart
    )
