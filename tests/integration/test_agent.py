"""The agent against a scripted gateway on loopback: every line arrives, whatever becomes of acks and connections.

The gateway decodes with msgpack, not with the project's own wire code, and follows a script: what it does with the
first, second, ... message it gets (each resend counts); beyond the script it acknowledges. Timeouts are arguments of
the agent; a test waits for conditions only, and `run` gives each a deadline.
"""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import msgspec
import pytest

from system.agent.agent import Shipped, messages, new_epoch, ship
from system.agent.backoff import Backoff
from system.agent.buffer import Cut
from system.agent.client import Batch, Client, ClientOptions
from system.agent.source import SourceError, open_file
from system.wire.chunk import Chunk, parse_chunk
from system.wire.packing import ack

pytestmark = pytest.mark.integration

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


def test_a_file_arrives_whole_in_order_and_in_batches_of_the_size_given(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"\n".join(LINES))

    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            source = open_file(path)
            shipped = await ship(
                source,
                "127.0.0.1",
                port,
                batch_size=4,
                timeout_s=1000.0,
                tag="web",
                agent=7,
                epoch=99,
                unix_ns=lambda: 1_700_000_000_000_000_005,
            )
            source.close()
        assert gateway.lines == LINES
        assert gateway.chunks == [(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 4), (24, 1)]
        assert {(one.tag, one.chunk.epoch, one.chunk.agent) for one in gateway.received} == {(b"web", 99, 7)}
        assert gateway.received[0].times == [(1_700_000_000, 5)] * 4
        assert shipped == Shipped(
            records=25,
            batches=7,
            resent=0,
            reconnects=0,
            connects_failed=0,
            ack_timeouts=0,
            bad_acks=0,
            truncated=0,
        )

    run(main())


def test_an_empty_source_ships_nothing_and_does_not_even_connect() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given())
        assert (shipped.records, gateway.connections) == (0, 0)

    run(main())


def test_records_that_wait_are_sent_at_the_timeout_while_the_source_is_silent() -> None:
    async def main() -> None:
        gateway = Gateway()

        async def first_batch() -> None:
            await gateway.until(lambda: len(gateway.received) == 1)

        async with listening(gateway) as port:
            await ship_lines(port, Given([b"a", b"b"], first_batch, [b"c"]), timeout_s=0.01)
        assert [one.lines for one in gateway.received] == [[b"a", b"b"], [b"c"]]

    run(main())


def test_a_lost_ack_is_waited_for_and_then_everything_unanswered_is_sent_again_in_order() -> None:
    async def main() -> None:
        gateway = Gateway(["ack", "lose", "ack"])
        async with listening(gateway) as port:
            options = msgspec.structs.replace(FAST, ack_timeout_s=0.05, window=2)
            shipped = await ship_lines(port, options=options)
        assert gateway.lines == LINES
        assert (shipped.records, shipped.batches, shipped.ack_timeouts, shipped.bad_acks) == (25, 7, 1, 0)
        again = [one.chunk.first for one in gateway.received if one.connection == 1]
        assert again[0] == 4  # the one whose ack was lost comes first,
        assert again == sorted(again)  # and the others after it, in order
        assert shipped.reconnects == 1
        assert shipped.resent == len(gateway.received) - 7

    run(main())


@pytest.mark.parametrize("nth", [0, 2, 6])
def test_a_reset_before_the_ack_repeats_the_same_chunks(nth: int) -> None:
    async def main() -> None:
        gateway = Gateway(["ack"] * nth + ["reset"])
        async with listening(gateway) as port:
            shipped = await ship_lines(port)
        assert gateway.lines == LINES
        assert (shipped.records, shipped.batches, shipped.reconnects) == (25, 7, 1)
        assert shipped.resent >= 1
        assert gateway.chunks.count((4 * nth, min(4, 25 - 4 * nth))) == 2

    run(main())


def test_a_reset_in_the_middle_of_a_message_loses_nothing() -> None:
    lines = [b"x" * 100_000, b"y" * 100_000, b"z"]

    async def main() -> None:
        gateway = Gateway(reset_after_bytes=150_000)
        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given(lines), batch_size=2)
        assert gateway.lines == lines
        assert (shipped.records, shipped.reconnects) == (3, 1)

    run(main())


def test_a_gateway_that_is_not_there_yet_is_tried_until_it_is() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        gateway = Gateway()
        tried = asyncio.Event()

        class Draw(random.Random):
            def uniform(self, a: float, b: float) -> float:
                tried.set()  # drawn for the wait after an attempt in vain
                return super().uniform(a, b)

        shipping = asyncio.ensure_future(ship_lines(port, draw=Draw(1)))
        await tried.wait()
        async with listening(gateway, port):
            shipped = await shipping
        assert gateway.lines == LINES
        assert shipped.connects_failed >= 1
        assert (shipped.reconnects, shipped.resent) == (0, 0)

    run(main())


@pytest.mark.parametrize("answer", ["wrong", "garbage", "array", "unhashable", "endless"])
def test_an_answer_that_is_no_ack_ends_the_connection_is_counted_and_loses_nothing(answer: str) -> None:
    async def main() -> None:
        gateway = Gateway(["ack", answer])
        async with listening(gateway) as port:
            shipped = await ship_lines(port)
        assert gateway.lines == LINES
        assert (shipped.records, shipped.batches, shipped.bad_acks, shipped.reconnects) == (25, 7, 1, 1)

    run(main())


def test_with_slow_acks_no_more_than_the_window_is_unanswered_and_the_reader_waits() -> None:
    async def main() -> None:
        gateway = Gateway()
        gateway.answering.clear()
        taken = 0
        sixteen = asyncio.Event()

        async def taking() -> None:
            nonlocal taken
            taken += 1
            if taken == 16:
                sixteen.set()

        steps: list[Any] = []
        for line in LINES:
            steps += [taking, [line]]
        async with listening(gateway) as port:
            options = msgspec.structs.replace(FAST, window=2, held_batches=3)
            # Batch 0 is answered only later; the gateway takes one message at a time, so it sees no other.
            shipping = asyncio.ensure_future(ship_lines(port, Given(*steps), options=options))
            await gateway.until(lambda: len(gateway.received) == 1)
            # 3 batches are held and a fourth is cut and has no room: the source was asked for 16 lines and no more.
            await sixteen.wait()
            for _ in range(100):
                await asyncio.sleep(0)
            assert taken == 16
            assert not shipping.done()
            gateway.answering.set()
            shipped = await shipping
        assert gateway.lines == LINES
        assert (shipped.resent, shipped.reconnects) == (0, 0)

    run(main())


def test_the_window_is_used_and_not_passed() -> None:
    async def main() -> None:
        received = bytearray()
        changed = asyncio.Event()

        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1 << 16):
                received.extend(data)
                changed.set()
            writer.close()

        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        client = Client("127.0.0.1", server.sockets[0].getsockname()[1], tag="t", options=ClientOptions(window=3))
        running = asyncio.ensure_future(client.run())
        for number in range(5):
            await client.send(Batch(b"chunk-%d" % number, 1, b"packed"))
        while received.count(b"packed") < 3:
            changed.clear()
            await changed.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert received.count(b"packed") == 3
        assert client.held == 5
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        await server.wait_closed()

    run(main())


def test_a_store_bounded_in_bytes_takes_a_greater_batch_alone() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            options = msgspec.structs.replace(FAST, held_bytes=10)
            shipped = await ship_lines(port, options=options)
        assert gateway.lines == LINES
        assert shipped.records == 25

    run(main())


def test_a_gateway_that_closes_an_idle_connection_is_connected_to_again_for_the_next_batch() -> None:
    async def main() -> None:
        gateway = Gateway(["ack and close"])

        async def closed() -> None:
            await gateway.until(lambda: gateway.closed == 1)

        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given([b"a"], closed, [b"b"]), batch_size=1)
        assert gateway.lines == [b"a", b"b"]
        assert (shipped.records, shipped.reconnects, shipped.ack_timeouts, shipped.bad_acks) == (2, 1, 0, 0)

    run(main())


def test_a_stop_ships_what_was_taken_and_ends() -> None:
    async def main() -> None:
        stop = asyncio.Event()
        gateway = Gateway()

        async def wait_for_ever() -> None:
            stop.set()
            await asyncio.Event().wait()

        async with listening(gateway) as port:
            shipped = await ship_lines(port, Given(LINES[:6], wait_for_ever), stop=stop)
        assert gateway.lines == LINES[:6]
        assert (shipped.records, shipped.batches) == (6, 2)

    run(main())


def test_a_source_that_fails_half_way_is_reported_after_what_it_gave_is_shipped() -> None:
    async def main() -> None:
        gateway = Gateway()

        async def fail() -> None:
            raise SourceError("cannot read on in app.log: Input/output error")

        async with listening(gateway) as port:
            with pytest.raises(SourceError, match=r"cannot read on in app\.log"):
                await ship_lines(port, Given(LINES[:6], fail))
        assert gateway.lines == LINES[:6]

    run(main())


def test_a_pause_is_kept_between_sends() -> None:
    async def main() -> None:
        gateway = Gateway()
        loop = asyncio.get_running_loop()
        async with listening(gateway) as port:
            began_s = loop.time()
            await ship_lines(port, Given(LINES[:12]), pause_s=0.02)
            took_s = loop.time() - began_s
        assert gateway.lines == LINES[:12]
        assert took_s >= 3 * 0.02 - 0.001

    run(main())


def test_two_runs_of_an_agent_never_share_a_chunk_id() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            await ship_lines(port, agent=3)
            await ship_lines(port, agent=3)
        epochs = [one.chunk.epoch for one in gateway.received]
        assert len(set(epochs)) == 2
        assert len({one.chunk for one in gateway.received}) == 14

    run(main())


def test_epochs_differ_by_start_or_by_process_and_fit_64_bits() -> None:
    now = 1_700_000_000_000_000_000
    assert new_epoch(now, 1) != new_epoch(now + 256, 1)
    assert new_epoch(now, 1) != new_epoch(now, 2)
    assert new_epoch(now + 256, 1) > new_epoch(now, 255)
    assert 0 <= new_epoch(2**64 + 5, 2**22) < 2**64


def test_a_cut_beyond_the_message_limit_goes_in_several_chunks_that_join_without_a_gap() -> None:
    cut = Cut(10, (b"aa", b"bb", b"cccccc", b"d", b"e"), 0, "size")
    parts = [(parse_chunk(batch.chunk), batch.records, batch.packed) for batch in messages(cut, 1, 2, 5)]
    assert parts == [
        (Chunk(1, 2, 10, 2), 2, b"aabb"),
        (Chunk(1, 2, 12, 1), 1, b"cccccc"),
        (Chunk(1, 2, 13, 2), 2, b"de"),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timeout_s": 0.0}, "timeout_s must be > 0 and finite, got 0.0; to send each record alone"),
        ({"timeout_s": float("nan")}, "timeout_s must be > 0 and finite, got nan"),
        ({"batch_size": 0}, "batch_size must be >= 1 record, got 0"),
        ({"pause_s": -1.0}, "pause_s must be >= 0 and finite, got -1.0; for no pause give 0"),
        ({"agent": 2**32}, "agent must be between 0 and 2"),
        ({"port": 0}, "port must be between 1 and 65535, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_sent(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(_discard(ship_lines(changes.pop("port", 1), **changes)))


async def _discard(shipping: Coroutine[Any, Any, Shipped]) -> None:
    await shipping


@pytest.mark.parametrize("name", ["window", "held_batches", "held_bytes", "ack_timeout_s", "connect_timeout_s"])
def test_options_that_could_never_work_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be >"):
        msgspec.structs.replace(FAST, **{name: 0})
