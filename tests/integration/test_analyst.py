"""The analyst against a real server: one batch, one row, however often and in whatever order it is executed."""

import gzip
import json
from typing import Any

import pytest

from experiments.deploy.broker import Broker
from system.broker import journal, keys
from system.broker.batch import Batch
from system.broker.message import analyse
from system.engine.registry import build
from system.settings import Process, SystemSettings
from system.signatures.model import Signature
from system.wire import row
from system.wire.chunk import Chunk
from system.wire.inflate import LIMIT_BYTES
from system.wire.packing import pack_record
from system.worker.analyst import Analyst

SIGNATURE = Signature(id="t.evil", severity="high", pattern="evil", description="", match=("evil",), no_match=("good",))


@pytest.fixture
def make(broker: Broker, redis: Any) -> Any:
    def one(**settings: Any) -> Analyst:
        process = Process(system=SystemSettings(engine="re", **settings), redis_url=broker.url, detections=True)
        return Analyst(process, [SIGNATURE], build("re", [SIGNATURE]), redis)

    return one


def accept(redis: Any, *lines: bytes, first: int = 0, gzip: bytes | None = None) -> bytes:
    chunk = Chunk(3, 1, first, len(lines))
    packed = b"".join(pack_record(0, line) for line in lines) if gzip is None else gzip
    batch = Batch(b"t\0" + chunk.encode(), chunk, packed, gzip is not None, 5)
    redis.eval(journal.ACCEPT.source, *journal.accept_arguments([batch], b"", 9))
    return batch.id


def rows(redis: Any) -> tuple[Any, Any]:
    return row.split(b"".join(redis.lrange(keys.ROWS, 0, -1)))


def test_a_batch_gets_one_row_with_its_hits_and_leaves_no_payload(redis: Any, make: Any) -> None:
    one = accept(redis, b"good", b"evil", b"more evil")
    make().analyse([one])
    headers, hits = rows(redis)
    assert headers["records"].tolist() == [3]
    assert (headers["agent"][0], headers["first"][0], headers["count"][0], headers["attempt"][0]) == (1, 0, 3, 1)
    assert hits["record"].tolist() == [1, 2]
    assert redis.keys("b:*") == []
    assert redis.zcard(keys.PENDING) == 0


def test_two_workers_on_one_batch_write_one_row_and_the_repeat_is_counted(redis: Any, make: Any) -> None:
    one = accept(redis, b"evil")
    slow, fast = make(), make()
    held = slow._fetch([one])  # the slow one has begun, and is then overtaken
    fast.analyse([one])
    slow._fetch = lambda _: held
    slow.analyse([one])
    assert len(rows(redis)[0]) == 1
    assert redis.hget(keys.COUNTERS, "repeat_executions") == b"1"
    assert redis.llen(keys.DETECTIONS) == 1


def test_a_task_that_comes_after_the_end_is_a_repeat_and_scans_nothing(redis: Any, make: Any) -> None:
    one = accept(redis, b"evil")
    make().analyse([one])
    make().analyse([one])
    assert len(rows(redis)[0]) == 1
    assert redis.hget(keys.COUNTERS, "repeat_executions") == b"1"


def test_past_the_cap_of_attempts_a_batch_is_given_up_with_its_reason(redis: Any, make: Any) -> None:
    one = accept(redis, b"evil")
    redis.hset(keys.ATTEMPTS, one, 3)
    make(attempts=3).analyse([one])
    headers, _ = rows(redis)
    assert headers["kind"].tolist() == [row.DEAD]
    assert redis.hget(keys.DEAD, one + b":reason") == b"given up after 3 attempts"
    assert redis.llen(keys.DETECTIONS) == 0


BOMB = gzip.compress(bytes(LIMIT_BYTES + 1))

#: Payloads that no attempt can read, and what is said of them.
UNREADABLE = {
    b"not gzip": b"payload is not gzip: ",
    gzip.compress(pack_record(0, b"evil"))[:-1]: b"gzip payload is cut off",
    BOMB: b"payload inflates beyond 67108864 bytes",
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.items(), ids=("not-gzip", "cut-off", "bomb"))
@pytest.mark.parametrize("has_journal", [True, False])
def test_a_payload_that_cannot_be_inflated_is_dead_at_its_first_attempt_and_takes_no_neighbour_with_it(
    redis: Any, make: Any, content: bytes, reason: bytes, has_journal: bool
) -> None:
    ids = [accept(redis, b"evil"), accept(redis, b"x", first=1, gzip=content), accept(redis, b"good", first=2)]
    make(journal=has_journal).analyse(ids)
    assert rows(redis)[0]["kind"].tolist() == [row.ANALYSED, row.DEAD, row.ANALYSED]
    assert redis.hget(keys.DEAD, ids[1] + b":reason").startswith(reason)
    counted = {name: int(value) for name, value in redis.hgetall(keys.COUNTERS).items() if name != b"batches_accepted"}
    assert counted == {b"batches_analysed": 2, b"records_analysed": 2, b"batches_dead": 1}
    if has_journal:
        assert redis.zcard(keys.PENDING) == 0
        assert redis.hget(keys.DEAD, ids[1]).endswith(content)


def test_gzip_members_that_follow_one_another_are_read_as_one_batch(redis: Any, make: Any) -> None:
    members = b"".join(gzip.compress(pack_record(0, line)) for line in (b"good", b"evil", b"evil"))
    make().analyse([accept(redis, b"good", b"evil", b"evil", gzip=members)])
    headers, hits = rows(redis)
    assert (headers["records"].tolist(), hits["record"].tolist()) == ([3], [1, 2])


def test_the_commit_instant_travels_with_the_next_row_or_alone(redis: Any, make: Any) -> None:
    analyst = make()
    analyst.analyse([accept(redis, b"one")])
    analyst.analyse([accept(redis, b"two", first=1)])
    analyst.stamp()
    analyst.stamp()
    headers, _ = rows(redis)
    assert headers["kind"].tolist() == [row.ANALYSED, row.ANALYSED, row.STAMP]
    assert headers["committed_seq"].tolist() == [0, 1, 2]
    assert (headers["committed_mono_ns"][1:] > headers["scanned_mono_ns"][:2]).all()


def test_records_in_the_arguments_get_a_row_for_each_execution(redis: Any, make: Any) -> None:
    task = analyse([b"t\0" + Chunk(3, 1, 0, 2).encode()]).id.encode("latin-1")
    analyst = make(handoff="arguments", journal=False, publisher="celery")
    for _ in range(2):
        analyst.analyse_records(task, 1, 2, 10, ["evil", "good"])
    headers, hits = rows(redis)
    assert headers["records"].tolist() == [2, 2]
    assert hits["record"].tolist() == [0, 0]


def test_a_group_that_comes_a_second_time_is_run_batch_by_batch_and_that_start_was_no_attempt(
    redis: Any, make: Any
) -> None:
    ids = [accept(redis, b"evil", first=first) for first in range(3)]
    make()._fetch(ids)  # a first worker began the group, and died
    make().analyse(ids)
    assert redis.llen(keys.ROWS) == 0
    named = [json.loads(message)["headers"]["batches"] for message in redis.lrange(keys.QUEUE, 0, -1)]
    assert sorted(named) == sorted([one.decode("latin-1")] for one in ids)
    assert redis.hvals(keys.ATTEMPTS) == [b"1"] * 3
    assert redis.hget(keys.COUNTERS, "split") == b"3"
    for one in ids:
        make().analyse([one])
    assert rows(redis)[0]["attempt"].tolist() == [2, 2, 2]


def test_a_task_inflates_no_more_than_a_payload_may(redis: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after that gets a task of its own: 128 payloads of 65 kB could be 8 GiB."""
    lines = [pack_record(0, line) for line in (b"evil", b"good", b"evil too")]
    ids = [accept(redis, b"x", first=place, gzip=gzip.compress(one)) for place, one in enumerate(lines)]
    monkeypatch.setattr("system.worker.analyst.LIMIT_BYTES", len(lines[0]))
    make().analyse(ids)
    assert rows(redis)[0]["first"].tolist() == [0]
    assert redis.zrange(keys.PENDING, 0, -1) == ids[1:]
    queued = [json.loads(one)["headers"]["batches"] for one in redis.lrange(keys.QUEUE, 0, -1)]
    assert sorted(queued) == sorted([one.decode("latin-1")] for one in ids[1:])
    make().analyse(ids[1:2])
    assert rows(redis)[0]["attempt"].tolist() == [1, 1]
