"""A connection for replies of megabytes: each bulk string is read from the socket into the bytes that it becomes.

redis-py feeds a reply to its parser in reads of 64 kB, which copies it twice more and grows a buffer of the whole reply: 0.82
CPU seconds a gigabyte for 4 MB of payloads, against 0.36 (2-core AMD EPYC guest, freed memory kept). It still connects,
authenticates and sets the deadlines.
"""

import io
import select
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

#: What a command is made of.
Argument: TypeAlias = str | int | float | bytes | memoryview

#: A bulk string up to this long is taken out of the buffer with its end, and copied once more to be rid of that.
_SHORT_BYTES: Final = 4096

#: What is read at once of short replies; a longer bulk string is read straight into its place.
_BUFFER_BYTES: Final = 64 * 1024


class Bulk:
    """One connection beside those of `client`, made when it is first needed. For one caller at a time."""

    def __init__(self, client: Any) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None
        self._replies: io.BufferedReader | None = None

    def execute(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """One reply a command, errors of the server among them; all in one round trip.

        Raises: redis' ConnectionError and TimeoutError. Whether the commands were executed is then unknown.
        """
        try:
            if self._connection is not None and _is_stale(self._connection):
                self.close()
            if self._connection is None:
                self._connect()
            # Its declared type is a tuple of one; it takes any.
            sent = b"".join(hiredis.pack_command(tuple(command)) for command in commands)  # type: ignore[arg-type]
            self._connection.send_packed_command([sent], check_health=False)
            assert self._replies is not None
            return [read(self._replies) for _ in commands]
        except TimeoutError as error:
            self.close()
            raise RedisTimeoutError("no reply in time") from error
        except OSError as error:
            self.close()
            raise RedisConnectionError(str(error)) from error
        except BaseException:
            self.close()  # what it would read next belongs to these commands
            raise

    def _connect(self) -> None:
        # RESP 2: the replies that `read` knows.
        connection = self._pool.connection_class(**{**self._pool.connection_kwargs, "protocol": 2})
        connection.connect()
        # redis-py hands its socket out nowhere else.
        self._replies = connection._sock.makefile("rb", buffering=_BUFFER_BYTES)
        self._connection = connection

    def __del__(self) -> None:
        # redis-py's connection is a cycle: left to the collector, its socket may be found before it and be called leaked.
        self.close()

    def close(self) -> None:
        """Closes the connection; the next `execute` makes a new one."""
        if self._replies is not None:
            self._replies.close()
            self._replies = None
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def _is_stale(connection: Any) -> bool:
    """Whether there is something to read although nothing was asked: the server's end of it, as a rule."""
    looked = select.poll()
    looked.register(connection._sock, select.POLLIN)
    return bool(looked.poll(0))


def read(replies: io.BufferedReader) -> Any:
    """The next reply (RESP 2): int, bytes, list, None, or a ResponseError; never raised, for others may follow it.

    Raises: ConnectionError (the builtin one) if the stream ends within it.
    """
    line = replies.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the server closed the connection")
    kind, told = line[:1], line[1:-2]
    match kind:
        case b"$":
            size = int(told)
            if size < 0:
                return None
            if size <= _SHORT_BYTES:
                value = replies.read(size + 2)
                if not value.endswith(b"\r\n") or len(value) < size + 2:
                    raise ConnectionError("the server closed the connection within a reply")
                return value[:-2]
            value = replies.read(size)
            if len(value) < size or replies.read(2) != b"\r\n":
                raise ConnectionError("the server closed the connection within a reply")
            return value
        case b"*":
            return None if told == b"-1" else [read(replies) for _ in range(int(told))]
        case b":":
            return int(told)
        case b"+":
            return told
        case b"-":
            text = told.decode("utf-8", "replace")
            return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)
    raise ConnectionError(f"the server said {line[:80]!r}, which is no reply")
