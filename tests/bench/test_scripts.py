"""Micro-benchmarks of the broker's scripts on a real server. Their instructions are the server's."""

from itertools import count
from typing import Any

from system.broker import journal, keys
from system.broker.journal import Finished, Journal
from system.broker.message import analyse, render
from system.broker.publisher import Outcome
from tests.bench import inputs

BATCHES = 20
ROOM = 1_000_000


def accepted(redis: Any, first: int) -> list[bytes]:
    """ACCEPT for one group of batches; gives their ids."""
    group = [inputs.batch(first * BATCHES + at) for at in range(BATCHES)]
    ids = [one.id for one in group]
    reply = journal.run(redis, journal.ACCEPT, *journal.accept_arguments(group, render(analyse(ids)), 9))
    outcomes, _ = journal.accepted(reply)
    assert outcomes == [Outcome.ACCEPTED] * BATCHES
    return ids


def test_accept(counted: Any, redis: Any) -> None:
    following = count()
    counted(lambda: accepted(redis, next(following)))
    assert redis.zcard(keys.PENDING) == next(following) * BATCHES


def test_start_and_finish_what_was_accepted(counted: Any, redis: Any) -> None:
    book, following = Journal(redis, ROOM), count()

    def worked() -> None:
        ids = accepted(redis, next(following))
        attempts, payloads = book.start(ids)
        assert attempts == [1] * BATCHES
        assert payloads
        ends = [Finished(one, b"row" * 20, inputs.RECORDS, b"", "") for one in ids]
        assert book.finish(ends) == [1] * BATCHES

    counted(worked)
    assert redis.zcard(keys.PENDING) == 0


def test_sweep_100_pending_batches(counted: Any, redis: Any) -> None:
    for number in range(5):
        accepted(redis, number)
    book = Journal(redis, ROOM)
    assert counted(lambda: book.lost(-10.0, 1000)) == []
