"""A worker is healthy if it takes a task: a process that runs and takes none any more is not.

The task is put where the next one is taken from, so that a backlog doesn't delay it, and again until the asked node is
the one that took it: idle workers are served in turn.
"""

import socket
import time
import uuid
from typing import Any, Final

from redis.exceptions import RedisError

from system.broker import keys
from system.broker.connect import client, place
from system.broker.message import probe, render
from system.health import UnhealthyError

_LOOK_S: Final = 0.02


def check_worker(url: str, node: int, within_s: float) -> None:
    """Raises: UnhealthyError unless worker `node` of this host takes a task within `within_s` seconds."""
    name = f"node{node}@{socket.gethostname()}"
    until = time.monotonic() + within_s
    others: set[str] = set()
    try:
        with client(url, reply_s=within_s) as redis:
            while (taken_by := _probe(redis, until)) != name:
                if taken_by is None:
                    said = f"; {', '.join(sorted(others))} did" if others else ", nor did another worker"
                    raise UnhealthyError(f"{name} took no task within {within_s:g} s{said}")
                others.add(taken_by)
    except RedisError as error:
        raise UnhealthyError(f"no Redis answers at {place(url)}: {error}") from error


def _probe(redis: Any, until_mono_s: float) -> str | None:
    """The name of the worker that took a task, None if none did in time: the task is then taken back."""
    token = uuid.uuid4().hex
    message = render(probe(token))
    redis.rpush(keys.QUEUE, message)
    while time.monotonic() < until_mono_s:
        taken_by = redis.getdel(keys.PROBE + token)
        if taken_by is not None:
            return str(taken_by.decode())
        time.sleep(_LOOK_S)
    redis.lrem(keys.QUEUE, 1, message)
    return None
