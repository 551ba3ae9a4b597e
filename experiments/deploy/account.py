"""What a system's own books in Redis say: its counters, and the batches that it holds. Both kinds of deployment read it."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import redis

from experiments.deploy.process import ProcessError
from system.broker import keys


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Raises: ProcessError if the broker doesn't answer within."""
    try:
        yield
    except redis.RedisError as error:
        raise ProcessError(f"the broker doesn't answer: {error}") from error


def counters(client: Any) -> dict[str, int]:
    """What the system counted itself, all of one instant: queued, pending and unacked now, the others since its start.

    Raises: ProcessError if the broker doesn't answer.
    """
    pipe = client.pipeline(transaction=True)
    pipe.hgetall(keys.COUNTERS)
    pipe.llen(keys.QUEUE)
    pipe.hlen(keys.UNACKED)
    pipe.zcard(keys.PENDING)
    with answering():
        counted, queued, unacked, pending = pipe.execute()
    return {
        "queued": queued,
        "unacked": unacked,
        "pending": pending,
        **{name.decode(): int(value) for name, value in counted.items()},
    }


def left(client: Any, *, journal: bool) -> set[bytes]:
    """Ids of the batches that are accepted and not analysed: by the journal, or without one by the messages.

    Raises: ProcessError if the broker doesn't answer.
    """
    with answering():
        pending = set(client.zrange(keys.PENDING, 0, -1))
        messages = [json.loads(one) for one in client.lrange(keys.QUEUE, 0, -1)]
        messages += [json.loads(one)[0] for one in client.hvals(keys.UNACKED)]
    if journal:
        return pending  # a message of a batch that was finished meanwhile leaves nothing to do
    return {one.encode("latin-1") for message in messages for one in message["headers"].get("batches", ())}
