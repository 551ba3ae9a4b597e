"""The journal's scripts on a real server: accepted once, finished once, swept when lost and never by age alone."""

import json
from typing import Any

import msgspec
import pytest
from redis.exceptions import ResponseError

from system.broker import journal, keys
from system.broker.batch import Batch
from system.broker.journal import Finished, Journal
from system.broker.message import analyse, render
from system.broker.publisher import Outcome
from system.sweeper import sweep
from system.wire.chunk import Chunk

TAG = b"t\0"


def batch(first: int, count: int, *, agent: int = 1, packed: bytes = b"payload") -> Batch:
    chunk = Chunk(7, agent, first, count)
    return Batch(TAG + chunk.encode(), chunk, packed, False, 5)


def foreign(name: bytes) -> Batch:
    return Batch(TAG + name, None, b"payload", False, 5)


def accept(redis: Any, *batches: Batch, queue: bool = True) -> list[int]:
    message = render(analyse([one.id for one in batches])) if queue else b""
    reply = redis.eval(journal.ACCEPT.source, *journal.accept_arguments(batches, message, 9))
    outcomes, unfinished = journal.accepted(reply)
    assert unfinished == (redis.llen(keys.QUEUE) if queue and all(one is Outcome.ACCEPTED for one in outcomes) else 0)
    return [one.value for one in outcomes]


def test_accept_counts_unfinished_tasks_in_the_queue_and_in_hands(redis: Any) -> None:
    redis.hset(keys.UNACKED, mapping={"held": "1", "held too": "1"})
    reply = redis.eval(journal.ACCEPT.source, *journal.accept_arguments([batch(0, 3)], b"message", 9))
    assert journal.accepted(reply)[1] == 3


@pytest.fixture
def book(redis: Any) -> Journal:
    return Journal(redis, rows_limit=10)


def finish(book: Journal, *batches: Batch) -> list[int]:
    return book.finish([Finished(one.id, b"row", one.chunk.count if one.chunk else 0, b"", "") for one in batches])


def test_a_batch_is_accepted_once_and_known_after_that(redis: Any) -> None:
    assert accept(redis, batch(0, 10)) == [1]
    assert accept(redis, batch(0, 10)) == [0]
    assert redis.llen(keys.QUEUE) == 1
    assert redis.zcard(keys.PENDING) == 1


def test_a_batch_stays_known_after_it_was_finished(redis: Any, book: Journal) -> None:
    accept(redis, batch(0, 10))
    finish(book, batch(0, 10))
    assert accept(redis, batch(0, 10)) == [0]
    assert redis.zcard(keys.PENDING) == 0


def test_a_gap_may_be_filled_later_and_only_once(redis: Any) -> None:
    assert accept(redis, batch(30, 10)) == [1]
    assert accept(redis, batch(10, 10)) == [1]
    assert accept(redis, batch(10, 10)) == [0]
    assert accept(redis, batch(0, 10)) == [1]
    assert accept(redis, batch(20, 10)) == [1]
    assert redis.keys(keys.GAPS + "*") == []


def test_memory_is_one_number_an_agent_when_batches_come_in_order(redis: Any, book: Journal) -> None:
    for first in range(0, 1000, 10):
        one = batch(first, 10)
        accept(redis, one)
        finish(book, one)
    assert redis.hlen(keys.HIGH) == 1
    assert redis.keys(keys.GAPS + "*") == []
    assert redis.keys("b:*") == []


@pytest.mark.parametrize(("first", "count"), [(5, 10), (0, 20), (0, 5 + 6), (9, 2)])
def test_records_that_are_held_in_part_are_in_conflict(redis: Any, first: int, count: int) -> None:
    accept(redis, batch(0, 10))
    assert accept(redis, batch(first, count)) == [-1]


def test_the_streams_of_two_agents_are_apart(redis: Any) -> None:
    assert accept(redis, batch(0, 10, agent=1), batch(0, 10, agent=2)) == [1, 1]


def test_record_numbers_keep_every_digit(redis: Any) -> None:
    big = 2**52 + 12345
    assert accept(redis, batch(big, 10)) == [1]
    assert redis.hvals(keys.HIGH) == [b"%d" % (big + 10)]
    assert accept(redis, batch(big, 10)) == [0]


def test_another_clients_chunk_is_remembered_with_a_time_to_live(redis: Any) -> None:
    assert accept(redis, foreign(b"abc")) == [1]
    assert accept(redis, foreign(b"abc")) == [0]
    assert 0 < redis.ttl(b"seen:" + TAG + b"abc") <= journal.FOREIGN_ID_TTL_S


def test_a_group_with_a_known_batch_queues_nothing_by_itself(redis: Any) -> None:
    accept(redis, batch(0, 10))
    assert accept(redis, batch(0, 10), batch(10, 10)) == [0, 1]
    assert redis.llen(keys.QUEUE) == 1
    assert redis.zcard(keys.PENDING) == 2


def test_starting_counts_attempts_and_gives_payloads(redis: Any, book: Journal) -> None:
    accept(redis, batch(0, 10))
    one, missing = batch(0, 10).id, batch(10, 10).id
    for attempt in (1, 2):
        attempts, payloads = book.start([one, missing])
        assert attempts == [attempt, 0]
        assert payloads[0] is not None
        assert payloads[0].endswith(b"payload")
        assert payloads[1] is None


def test_finishing_twice_writes_one_row_and_counts_the_repeat(redis: Any, book: Journal) -> None:
    accept(redis, batch(0, 10))
    assert finish(book, batch(0, 10)) == [1]
    assert finish(book, batch(0, 10)) == [0]
    assert redis.lrange(keys.ROWS, 0, -1) == [b"row"]
    assert redis.hgetall(keys.COUNTERS) == {
        b"batches_accepted": b"1",
        b"batches_analysed": b"1",
        b"records_analysed": b"10",
        b"repeat_executions": b"1",
    }


def test_rows_that_nobody_drains_are_dropped_and_counted(redis: Any, book: Journal) -> None:
    several = [batch(first, 1) for first in range(13)]
    accept(redis, *several)
    finish(book, *several)
    assert redis.llen(keys.ROWS) == 10
    assert redis.hget(keys.COUNTERS, "rows_dropped") == b"3"


def test_a_batch_that_is_given_up_keeps_its_payload_and_its_reason(redis: Any, book: Journal) -> None:
    accept(redis, batch(0, 10))
    one = batch(0, 10).id
    book.finish([Finished(one, b"row", 0, b"", "given up after 3 attempts")])
    assert redis.hget(keys.DEAD, one).endswith(b"payload")
    assert redis.hget(keys.DEAD, one + b":reason") == b"given up after 3 attempts"
    assert redis.hget(keys.COUNTERS, "batches_dead") == b"1"


def test_scripts_work_again_after_the_server_forgot_them(redis: Any, book: Journal) -> None:
    accept(redis, batch(0, 10))
    redis.script_flush()
    assert book.start([batch(0, 10).id])[0] == [1]
    redis.script_flush()
    assert finish(book, batch(0, 10)) == [1]


class TestSweep:
    """Nothing is old for real here: an age of 0 or a back-dated score stands for waiting."""

    def age(self, redis: Any, one: Batch, seconds: float) -> None:
        redis.zincrby(keys.PENDING, -seconds, one.id)

    def test_a_batch_that_is_nowhere_is_queued_again(self, redis: Any, book: Journal) -> None:
        accept(redis, batch(0, 10))
        redis.delete(keys.QUEUE)  # popped, and the worker died before it noted it
        self.age(redis, batch(0, 10), 30)
        assert sweep(book, 20) == 1
        message = json.loads(redis.lindex(keys.QUEUE, 0))
        assert message["headers"]["batches"] == [batch(0, 10).id.decode("latin-1")]
        assert redis.hget(keys.COUNTERS, "swept") == b"1"
        assert sweep(book, 20) == 0

    def test_what_is_young_is_left_alone(self, redis: Any, book: Journal) -> None:
        accept(redis, batch(0, 10))
        redis.delete(keys.QUEUE)
        assert sweep(book, 20) == 0

    def test_a_long_backlog_is_not_swept_however_old(self, redis: Any, book: Journal) -> None:
        for first in range(0, 500, 10):
            accept(redis, batch(first, 10))
            self.age(redis, batch(first, 10), 1000 - first)
        assert sweep(book, 20) == 0

    def test_what_is_older_than_the_oldest_in_the_queue_is_lost(self, redis: Any, book: Journal) -> None:
        accept(redis, batch(0, 10))
        self.age(redis, batch(0, 10), 60)
        redis.rpop(keys.QUEUE)
        accept(redis, batch(10, 10))
        self.age(redis, batch(10, 10), 40)
        assert sweep(book, 20) == 1

    def test_what_a_worker_holds_is_left_alone_even_with_odd_bytes_in_its_id(self, redis: Any, book: Journal) -> None:
        odd = Batch(bytes(range(256)) + b"\0x", None, b"payload", False, 5)
        accept(redis, odd)
        message = redis.rpop(keys.QUEUE).decode()
        redis.hset(keys.UNACKED, "tag", json.dumps([json.loads(message), "", "celery"]))
        self.age(redis, odd, 60)
        assert sweep(book, 20) == 0
        redis.delete(keys.UNACKED)
        assert sweep(book, 20) == 1

    def test_a_tail_that_names_nothing_pending_stops_the_sweep(self, redis: Any, book: Journal) -> None:
        accept(redis, batch(0, 10))
        self.age(redis, batch(0, 10), 60)
        redis.delete(keys.QUEUE)
        redis.rpush(keys.QUEUE, "not json")
        assert sweep(book, 20) == 0

    def test_a_batch_that_was_finished_meanwhile_is_not_queued(self, redis: Any, book: Journal) -> None:
        accept(redis, batch(0, 10))
        finish(book, batch(0, 10))
        assert book.requeue(batch(0, 10).id, b"message", "swept") is False


def test_an_id_that_nobody_can_send_again_is_forgotten_soon(redis: Any) -> None:
    made_up = msgspec.structs.replace(foreign(b"random"), named=False)
    assert accept(redis, foreign(b"named"), made_up) == [1, 1]
    assert 3500 < redis.ttl(keys.SEEN + foreign(b"named").id.decode()) <= journal.FOREIGN_ID_TTL_S
    assert 0 < redis.ttl(keys.SEEN + made_up.id.decode()) <= journal.RANDOM_ID_TTL_S


def test_gaps_that_no_agent_leaves_are_no_way_to_hold_up_the_server(redis: Any) -> None:
    """A batch below the mark goes through all of its stream's."""
    assert accept(redis, *(batch(first, 1) for first in range(1, 2001, 2))) == [1] * 1000
    assert accept(redis, batch(2001, 1)) == [-1]
    assert accept(redis, batch(2000, 1), batch(0, 1)) == [1, 1]


def test_what_is_given_up_is_kept_in_part_and_not_for_ever(redis: Any, book: Journal) -> None:
    """Nobody takes it out, and a client can send as many as it likes."""
    large = batch(0, 1, packed=b"x" * 100_000)
    accept(redis, large)
    book.finish([Finished(large.id, b"row", 1, b"", "no gzip")])
    assert redis.hstrlen(keys.DEAD, large.id) == 65_536
    redis.hset(keys.DEAD, mapping={f"held{number}": "" for number in range(1998)})
    more = batch(1, 1)
    accept(redis, more)
    book.finish([Finished(more.id, b"row", 1, b"", "no gzip")])
    assert redis.hmget(keys.DEAD, more.id, more.id + b":reason") == [None, b"no gzip"]


def test_on_a_full_server_what_is_there_can_be_finished(redis: Any, book: Journal) -> None:
    accept(redis, batch(0, 10), queue=False)
    redis.zadd(keys.PENDING, {batch(0, 10).id: 1})  # long ago
    redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(ResponseError, match="maxmemory"):
            accept(redis, batch(10, 10))
        assert sweep(book, 20) == 1
        assert book.start([batch(0, 10).id])[0] == [1]
        assert finish(book, batch(0, 10)) == [1]
    finally:
        redis.config_set("maxmemory", "0")
