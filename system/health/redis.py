"""Redis is healthy if it answers a command: while it loads its data it doesn't."""

from redis.exceptions import RedisError

from system.broker.connect import client, place
from system.health import UnhealthyError


def check_redis(url: str, within_s: float) -> None:
    """Raises: UnhealthyError unless the Redis at `url` answers."""
    try:
        with client(url, reply_s=within_s) as redis:
            redis.ping()
    except RedisError as error:
        raise UnhealthyError(f"no Redis answers at {place(url)}: {error}") from error
