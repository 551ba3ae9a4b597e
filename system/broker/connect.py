"""Redis clients with deadlines and without retries.

redis-py's defaults (10 retries, 5 s) repeat a write whose outcome is unknown: measured on 8.1, a server frozen for 12 s
got one LPUSH twice. Ours fail after their deadline, and whoever called decides.
"""

from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

#: Seconds until a reply must be there. A full queue makes Redis slow, never this slow; a dead link is seen in time.
REPLY_S: Final = 5.0
CONNECT_S: Final = 2.0


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
