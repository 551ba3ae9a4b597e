"""The gateway as a process starts it: `serve(gateway, host, port)`, and `close()` to end it without losing a round.

Two tasks run in one group: the rounds (group commit), and the watch that closes connections past a deadline. If one of
them fails, which only a defect makes it do, the gateway stops listening and drops its connections.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from system.broker.publisher import Publisher
from system.gateway.admission import Admission
from system.gateway.connection import LINGER_S, Clock, Connection, Hold
from system.gateway.lines import LineConnection
from system.gateway.rounds import ROUND_BATCHES, ROUND_BYTES, TASK_BATCHES, TASK_BYTES, Rounds
from system.gateway.stats import GatewayStats
from system.settings import Limits

#: Connections that may wait to be accepted: a fleet that comes back after a restart comes all at once.
BACKLOG = 4096

#: Read at once at most, but for a large body's own place.
READ_BYTES = 64 * 1024

#: The watch looks this often within a deadline, so that none is exceeded by more than this share of it.
WATCHES_A_DEADLINE = 10

#: But not more rarely than this.
WATCH_PERIOD_S = 1.0

#: At its end the gateway reads syslog connections on until nothing has come for the first, for at most the second: what
#: lies unread in a socket then is lost, for nobody sends it again.
QUIET_S = 0.1
DRAIN_LINES_S = 3.0


def _soon(call: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(call)


class Gateway:
    """The state that all connections share: admission, rounds, counters."""

    def __init__(
        self,
        publisher: Publisher,
        limits: Limits,
        *,
        round_batches: int = ROUND_BATCHES,
        round_bytes: int = ROUND_BYTES,
        task_batches: int = TASK_BATCHES,
        task_bytes: int = TASK_BYTES,
        clock: Clock = time.monotonic_ns,
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        """`publisher` remains the caller's to close, after the gateway. `soon` calls what it is given in a moment."""
        self.admission = Admission(limits)
        self.stats = GatewayStats()
        self.rounds = Rounds(
            publisher, self.stats, round_batches, round_bytes, task_batches=task_batches, task_bytes=task_bytes
        )
        self.clock = clock
        self.soon = soon or _soon
        #: Connections with something that has a deadline: a message under way, acks unread, a close that isn't done.
        self.watched: set[Connection] = set()
        self.connections: set[Connection] = set()
        self.reads = memoryview(bytearray(READ_BYTES))
        self._holds = Hold.NONE
        self._emptied = asyncio.Event()
        self._stopping = asyncio.Event()

    def connection(self) -> Connection:
        """A protocol object for a new connection of the Forward protocol."""
        return Connection(self)

    def line_connection(self) -> LineConnection:
        """A protocol object for a new connection of the syslog listener."""
        return LineConnection(self)

    def enter(self, connection: Connection) -> Hold | None:
        """Registers a new connection; None if there are too many, else the holds it begins with."""
        self.stats.connections_total += 1
        if len(self.connections) >= self.admission.limits.connections:
            return None
        self.connections.add(connection)
        self.stats.connections = len(self.connections)
        return self._holds

    def leave(self, connection: Connection) -> None:
        """Forgets a connection."""
        self.connections.discard(connection)
        self.stats.connections = len(self.connections)
        if not self.connections:
            self._emptied.set()

    def stop_reading(self) -> None:
        """Holds every connection until the broker has caught up.

        All of them at once: if each stopped at its own next read, each could pass the limit by a read.
        """
        if not self._holds & Hold.ALL_BYTES:
            self._hold_all(Hold.ALL_BYTES)

    def released(self) -> None:
        """Bytes have left flight: reads again if there is room."""
        if self._holds & Hold.ALL_BYTES and self.admission.may_resume:
            self._holds &= ~Hold.ALL_BYTES
            for connection in self.connections:
                connection.unhold(Hold.ALL_BYTES)

    async def run(self) -> None:
        """Runs rounds and watch until `stop`; ends when the last round has."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.rounds.run(), name="rounds")
            tasks.create_task(self._watch(), name="watch")

    def stop(self) -> None:
        """Stops reading and lets `run` end once all batches taken on have been published."""
        self._hold_all(Hold.STOPPING)
        for connection in list(self.connections):
            connection.finish()
        self._stopping.set()
        self.rounds.stop()

    async def drain_lines(self) -> None:
        """Reads syslog connections on until they are quiet or have ended; to be called before `stop`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_LINES_S):
                seen_bytes = -1
                while any(isinstance(one, LineConnection) for one in self.connections):
                    if self.stats.received_bytes == seen_bytes and not any(one.is_held for one in self.connections):
                        return
                    seen_bytes = self.stats.received_bytes
                    await asyncio.sleep(QUIET_S)

    async def disconnect(self) -> None:
        """Closes all connections once their acks are written, and drops those whose peers don't end in time."""
        self._emptied.clear()
        for connection in list(self.connections):
            connection.close(None)
        if self.connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self._emptied.wait()
        for connection in list(self.connections):
            connection.abort()

    def _hold_all(self, hold: Hold) -> None:
        self._holds |= hold
        for connection in self.connections:
            connection.hold(hold)

    async def _watch(self) -> None:
        period_s = min(WATCH_PERIOD_S, self.admission.limits.frame_deadline_s / WATCHES_A_DEADLINE)
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(period_s):
                    await self._stopping.wait()
            now_mono_ns = self.clock()
            for connection in list(self.watched):
                connection.check(now_mono_ns)


class Server:
    """A gateway that listens. Leave it by `close()`, or use it in `async with`."""

    def __init__(self, gateway: Gateway, listener: asyncio.Server, syslog: asyncio.Server | None = None) -> None:
        self.gateway = gateway
        self._listeners = [listener] if syslog is None else [listener, syslog]
        #: Where it listens: the port is the real one if port 0 was asked for.
        self.host: str
        self.port: int
        self.host, self.port = listener.sockets[0].getsockname()[:2]
        #: Where it takes syslog, if it does.
        self.syslog: tuple[str, int] | None = None if syslog is None else syslog.sockets[0].getsockname()[:2]
        self._running = asyncio.create_task(self._run(), name="gateway")

    async def _run(self) -> None:
        try:
            await self.gateway.run()
        finally:
            self._stop_listening()
            await self.gateway.disconnect()

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            listener.close()

    @property
    def is_listening(self) -> bool:
        """Whether new connections are taken."""
        return all(listener.is_serving() for listener in self._listeners)

    async def wait(self) -> None:
        """Waits until the gateway ends.

        Raises: ExceptionGroup if it failed.
        """
        await asyncio.shield(self._running)

    async def close(self) -> None:
        """Stops listening and reading, lets the batches taken on be published and acknowledged, then closes.

        Syslog connections are read on until they are quiet, for a little while: nobody would send those lines again.
        Takes as long as the publisher takes to publish what waits or to give it up.

        Raises: ExceptionGroup if the gateway failed, now or before.
        """
        self._stop_listening()
        if not self._running.done():
            await self.gateway.drain_lines()
        self.gateway.stop()
        await self._running

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def serve(gateway: Gateway, host: str, port: int, syslog: tuple[str, int] | None = None) -> Server:
    """Starts listening; port 0 takes a free one, which is then the server's `port`.

    Args: syslog: host and port of the second listener, which takes lines (gateway/lines.py); none without it.

    Raises: OSError if an address can't be bound.
    """
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(gateway.connection, host, port, backlog=BACKLOG)
    if syslog is None:
        return Server(gateway, listener)
    try:
        lines = await loop.create_server(gateway.line_connection, *syslog, backlog=BACKLOG)
    except OSError:
        listener.close()
        raise
    return Server(gateway, listener, lines)
