"""A gateway over real loopback sockets with a publisher in memory, on both event loops."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import msgpack
import uvloop

from system.broker.batch import Batch
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.gateway.server import Gateway, Server, serve
from system.settings import Limits

#: The most that one read may bring: asyncio's and uvloop's read buffers.
READ_BYTES = 256 * 1024

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}

#: How long a condition may take on a busy machine before the test fails.
PATIENCE_S = 20.0

#: The answer to `message(chunk="id")`.
ID_ACK: bytes = msgpack.packb({"ack": "id"})


class MemoryPublisher:
    """Keeps batches in a list, as slowly, as badly or as hostilely as a test wants."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.rounds: list[int] = []
        self.conflicts: set[bytes] = set()
        self.available = True
        #: Cleared: rounds wait for it.
        self.open = asyncio.Event()
        self.open.set()
        self._known: set[bytes] = set()

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        self.rounds.append(len(batches))
        await self.open.wait()
        if not self.available:
            raise BrokerUnavailableError("planted")
        return [self._take(batch) for batch in batches]

    async def close(self) -> None: ...

    def _take(self, batch: Batch) -> Outcome:
        if batch.id in self.conflicts:
            return Outcome.CONFLICT
        if batch.id in self._known:
            return Outcome.KNOWN
        self._known.add(batch.id)
        self.batches.append(batch)
        return Outcome.ACCEPTED


class Client:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """All that comes until the gateway closes; a reset counts as the end."""
        received = b""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while data := await self.reader.read(1 << 16):
                    received += data
            except ConnectionError:
                pass
        return received

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Ends the connection with RST."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.writer.transport.abort()


class Field:
    """What a test plays on."""

    def __init__(self, publisher: MemoryPublisher, server: Server) -> None:
        self.publisher = publisher
        self.server = server
        self.gateway = server.gateway
        self.stats = server.gateway.stats
        self._clients: list[Client] = []

    async def connect(self, address: tuple[str, int] | None = None) -> Client:
        async with asyncio.timeout(PATIENCE_S):
            client = Client(*await asyncio.open_connection(*(address or (self.server.host, self.server.port))))
        self._clients.append(client)
        return client

    async def connect_lines(self) -> Client:
        """To the syslog listener."""
        assert self.server.syslog is not None
        return await self.connect(self.server.syslog)

    def hang_up(self) -> None:
        for client in self._clients:
            client.close()


def play(
    loop: str,
    scene: Callable[[Field], Awaitable[None]],
    limits: Limits | None = None,
    publisher: type[MemoryPublisher] = MemoryPublisher,
    **gateway: Any,
) -> None:
    """Runs `scene` against a listening gateway; fails if the event loop met an error that nobody handled."""
    unhandled: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        memory = publisher()
        server = await serve(Gateway(memory, limits or Limits(), **gateway), "127.0.0.1", 0, ("127.0.0.1", 0))
        field = Field(memory, server)
        try:
            await scene(field)
        finally:
            field.hang_up()
            memory.open.set()
            await server.close()

    run_in(loop, run())
    assert unhandled == []


def run_in(loop: str, coroutine: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(coroutine)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition, and fails if it doesn't come true."""
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "the condition didn't come true in time"
        await asyncio.sleep(0.002)


async def until_still(value: Callable[[], int]) -> None:
    """Waits until a value has been the same for fifty looks in a row: all that can happen has happened."""
    seen, looks = value(), 0
    while looks < 50:
        await asyncio.sleep(0.005)
        seen, looks = value(), looks + 1 if value() == seen else 0


def message(body_bytes: int = 0, chunk: object = "id", tag: str = "app") -> bytes:
    packed: bytes = msgpack.packb([tag, bytes(body_bytes), {"chunk": chunk}])
    return packed
