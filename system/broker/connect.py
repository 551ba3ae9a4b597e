"""Redis clients with deadlines and without retries.

redis-py's defaults (10 retries, 5 s) repeat a write whose outcome is unknown: measured on 8.1, a server frozen for 12 s
got one LPUSH twice. Ours fail after their deadline, and whoever called decides.
"""

import sys
import time
from typing import Any, Final
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.retry import Retry

#: Seconds until a reply must be there. A full queue makes Redis slow, never this slow; a dead link is seen in time.
REPLY_S: Final = 5.0
CONNECT_S: Final = 2.0

#: At a process's start: between two attempts to reach the broker, and between two lines that say so.
_AGAIN_S: Final = 0.2
_TELL_S: Final = 5.0


def asyncio_client(url: str, **more: Any) -> Any:
    """A redis.asyncio client: replies as bytes."""
    return redis.asyncio.Redis.from_url(
        url, socket_timeout=REPLY_S, socket_connect_timeout=CONNECT_S, retry=AsyncRetry(NoBackoff(), 0), **more
    )


def client(url: str, *, reply_s: float = REPLY_S, **more: Any) -> Any:
    """A synchronous client: replies as bytes, or an error after `reply_s` seconds."""
    return redis.Redis.from_url(
        url, socket_timeout=reply_s, socket_connect_timeout=CONNECT_S, retry=Retry(NoBackoff(), 0), **more
    )


def place(url: str) -> str:
    """Where a URL leads, without its password: HOST:PORT, or a socket's path."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def wait_for_broker(url: str, part: str) -> None:
    """Returns once the Redis at `url` answers, however long that takes; says on standard error what it waits for.

    For a process's start, before it has anything to lose: an interrupt ends it. A server that refuses the password
    won't change its mind, so that is an error of whoever started this: exit code 2.
    """
    told_at = -_TELL_S
    redis_client = client(url, reply_s=CONNECT_S)
    while True:
        try:
            redis_client.ping()
        except (AuthenticationError, NoPermissionError) as error:
            sys.stderr.write(
                f"{part}: the Redis at {place(url)} refuses us: {error}; put user and password in the URL\n"
            )
            sys.exit(2)
        except RedisError as error:
            if time.monotonic() - told_at >= _TELL_S:
                told_at = time.monotonic()
                sys.stderr.write(f"{part}: waiting for the Redis at {place(url)}: {error}\n")
        except KeyboardInterrupt:
            sys.exit(130)
        else:
            if told_at > 0:
                sys.stderr.write(f"{part}: the Redis at {place(url)} answers\n")
            break
        try:
            time.sleep(_AGAIN_S)
        except KeyboardInterrupt:
            sys.exit(130)
    redis_client.close()
