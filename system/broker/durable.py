"""Whether a server has each write on its disk before it answers: what the profile `durable` rests on.

`appendfsync always` and nothing less: with `everysec` a killed server loses what its disk had not taken yet (measured: 45
to 310 acknowledged batches where an fsync took 2.5 s). The server does one fsync for all clients of a turn of its loop,
so a round of the gateway's costs one.
"""

from typing import Any

from redis.exceptions import ConnectionError, RedisError, TimeoutError

#: What the server must be set to.
REQUIRED = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",  # else nothing is synced while the file is written anew
    "maxmemory-policy": "noeviction",  # else a full server throws away what it accepted
}


class NotDurableError(RuntimeError):
    """The server may lose what it answered for. The message says what to set."""


def verify(client: Any) -> None:
    """Asks the server behind a synchronous client for its settings.

    Raises: NotDurableError if they are others, or the server doesn't say; redis.ConnectionError if none answers.
    """
    told = ", ".join(f"`{name} {value}`" for name, value in REQUIRED.items())
    remedy = f"set {told} in its configuration, or choose another profile"
    try:
        found = {name: client.config_get(name).get(name) for name in REQUIRED}
    except (ConnectionError, TimeoutError):
        raise
    except RedisError as error:
        raise NotDurableError(
            f"system.fsync needs a server with appendfsync always, and this one doesn't tell (CONFIG GET: {error}); "
            "let its user run `config|get`, or choose another profile"
        ) from None
    wrong = ", ".join(f"{name} {value}" for name, value in found.items() if value != REQUIRED[name])
    if wrong:
        raise NotDurableError(f"system.fsync needs a server with appendfsync always, this one has {wrong}: {remedy}")
