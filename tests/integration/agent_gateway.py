"""A scripted gateway for the agent's tests, and what they ship to it.

The gateway decodes with msgpack, not with the project's own wire code, and follows a script: what it does with the
first, second, ... message it gets (each resend counts); beyond the script it acknowledges.
"""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgpack

from system.agent.agent import Shipped, ship
from system.agent.backoff import Backoff
from system.agent.client import ClientOptions
from system.wire.chunk import Chunk, parse_chunk
from system.wire.packing import ack

DEADLINE_S = 30.0

#: Reconnects without a noticeable wait.
FAST = ClientOptions(backoff=Backoff(base_s=0.001, cap_s=0.01))

LINES = [b"line %d" % number for number in range(25)]


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs a test's coroutine; one that waits in vain fails."""

    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await main

    asyncio.run(limited())


class Received(NamedTuple):
    """One message as it came: on which connection, and what it said."""

    connection: int
    tag: bytes
    chunk: Chunk
    size: int
    times: list[tuple[int, int]]
    lines: list[bytes]


#: How the gateway answers a message, by the script's word. "ack and close" ends the connection in order afterwards, any
#: other word resets it without an answer.
ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "ack": ack,
    "lose": lambda _: b"",
    "wrong": lambda _: ack(b"x" * 36),
    "garbage": lambda _: b"\xc1HTTP/1.1 400 Bad Request\r\n\r\n",
    "array": lambda chunk: b"\x91" + ack(chunk),
    "unhashable": lambda _: b"\x81\xa3ack\x90",
    "endless": lambda _: b"\xdb\xff\xff\xff\xff" + b"a" * 100_000,
}


class Gateway:
    """A server that follows a script, and remembers what it was sent."""

    def __init__(self, script: Sequence[str] = (), reset_after_bytes: int | None = None) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.closed = 0
        #: While it is clear, the gateway takes messages and doesn't answer.
        self.answering = asyncio.Event()
        self.answering.set()
        self._script = list(script)
        self._reset_after_bytes = reset_after_bytes  # of the first connection
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    @property
    def chunks(self) -> list[tuple[int, int]]:
        """First record and count of each message, as they came."""
        return [(one.chunk.first, one.chunk.count) for one in self.received]

    @property
    def lines(self) -> list[bytes]:
        """All records in the order of their numbers, each chunk once; a repeat must be the same."""
        chunks: dict[int, list[bytes]] = {}
        for one in self.received:
            assert one.chunk.count == one.size == len(one.lines)
            assert chunks.setdefault(one.chunk.first, one.lines) == one.lines
        numbers = [first + place for first in sorted(chunks) for place in range(len(chunks[first]))]
        assert numbers == list(range(len(numbers))), "record numbers overlap or have gaps"
        return [line for first in sorted(chunks) for line in chunks[first]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self.connections
        self.connections += 1
        self._changed.set()
        unpacker = msgpack.Unpacker(raw=True)
        taken_bytes = 0
        try:
            while data := await reader.read(1 << 16):
                taken_bytes += len(data)
                if connection == 0 and self._reset_after_bytes is not None and taken_bytes >= self._reset_after_bytes:
                    reset(writer)
                    return
                unpacker.feed(data)
                for message in unpacker:
                    self.received.append(decode(connection, message))
                    self._changed.set()
                    await self.answering.wait()
                    action = self._script.pop(0) if self._script else "ack"
                    if action == "ack and close":
                        writer.write(ack(message[2][b"chunk"]))
                        return
                    if action not in ANSWERS:
                        reset(writer)
                        return
                    writer.write(ANSWERS[action](message[2][b"chunk"]))
        except ConnectionError:
            pass  # the agent gave the connection up
        finally:
            writer.close()
            self.closed += 1
            self._changed.set()


def decode(connection: int, message: Any) -> Received:
    tag, packed, option = message
    entries = msgpack.Unpacker(raw=True)
    entries.feed(packed)
    times, lines = [], []
    for time, record in entries:
        times.append(struct.unpack(">II", time.data))
        lines.append(record[b"log"])
        assert list(record) == [b"log"]
    chunk = parse_chunk(option[b"chunk"])
    assert chunk is not None
    return Received(connection, tag, chunk, option[b"size"], times, lines)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with an RST: what is on its way is lost."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def listening(gateway: Gateway, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


class Given:
    """A source of given blocks of lines; a callable among them is awaited before the next block."""

    truncated = 0

    def __init__(self, *steps: list[bytes] | Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._steps = list(steps)

    async def read(self) -> list[bytes]:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, list):
                return step
            await step()
        return []


async def ship_lines(port: int, source: Given | None = None, **changes: Any) -> Shipped:
    """25 lines in batches of 4: six by size, and one of a single record at the close."""
    arguments: dict[str, Any] = {"batch_size": 4, "timeout_s": 1000.0, "options": FAST, "draw": random.Random(1)}
    return await ship(source or Given(LINES), "127.0.0.1", port, **(arguments | changes))
