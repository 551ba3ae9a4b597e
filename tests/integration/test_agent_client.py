"""The agent's client against a scripted gateway: no record is lost, whatever becomes of acks and connections.

Timeouts are arguments of the agent; a test waits for conditions only, and `run` gives each a deadline.
"""

import asyncio
import random
import socket
from typing import Any

import msgspec
import pytest

from system.agent.client import Batch, Client, ClientOptions
from system.wire.chunk import Chunk
from system.wire.packing import pack_record
from tests.integration.agent_gateway import FAST, LINES, Gateway, Given, listening, run, ship_lines

pytestmark = pytest.mark.integration


def test_a_lost_ack_is_waited_for_and_then_everything_unanswered_is_sent_again_in_order() -> None:
    async def main() -> None:
        gateway = Gateway(["ack", "lose", "ack"])
        async with listening(gateway) as port:
            options = msgspec.structs.replace(FAST, ack_timeout_s=0.5, window=2)
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


def test_everything_unanswered_is_sent_again_first_and_in_its_order() -> None:
    async def main() -> None:
        gateway = Gateway(["lose", "lose", "reset"])
        async with listening(gateway) as port:
            shipped = await ship_lines(port, options=msgspec.structs.replace(FAST, window=3))
        assert [one.chunk.first for one in gateway.received if one.connection == 0] == [0, 4, 8]
        assert [one.chunk.first for one in gateway.received if one.connection == 1] == [0, 4, 8, 12, 16, 20, 24]
        assert shipped.resent == 3

    run(main())


def test_waits_grow_while_nothing_is_acknowledged_and_start_again_after_an_ack() -> None:
    async def bounds(*script: str) -> list[float]:
        drawn: list[float] = []

        class Draw(random.Random):
            def uniform(self, a: float, b: float) -> float:
                drawn.append(b)
                return 0.0

        gateway = Gateway(script)
        async with listening(gateway) as port:
            await ship_lines(port, options=msgspec.structs.replace(FAST, window=1), draw=Draw())
        return drawn

    async def main() -> None:
        assert await bounds("reset", "wrong", "reset", "reset", "reset") == [0.001, 0.002, 0.004, 0.008, 0.01]
        assert await bounds("reset", "reset", "ack", "reset", "reset", "ack", "reset") == pytest.approx(
            [0.001, 0.002, 0.001, 0.002, 0.001]
        )

    run(main())


def test_a_store_that_is_full_in_bytes_is_waited_for_and_acks_make_room() -> None:
    async def main() -> None:
        gateway = Gateway()
        async with listening(gateway) as port:
            client = Client("127.0.0.1", port, tag="t", options=msgspec.structs.replace(FAST, held_bytes=100))
            packed = [pack_record(0, b"x" * size) for size in (31, 23, 0, 65)]
            assert [len(one) for one in packed] == [48, 40, 17, 83]
            batches = [Batch(Chunk(1, 1, number, 1).encode(), 1, one) for number, one in enumerate(packed)]
            await client.send(batches[0])
            await client.send(batches[1])
            third = asyncio.ensure_future(client.send(batches[2]))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not third.done()
            running = asyncio.ensure_future(client.run())
            await third
            client.finish()
            await running
            await client.send(batches[2])
            await client.send(batches[3])  # exactly full
            assert client.held == 2

    run(main())


def test_an_ack_that_comes_while_its_connection_is_given_up_does_no_harm() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0) as expired:
                await asyncio.Event().wait()
        client = Client("127.0.0.1", 1, tag="t")
        client._set_deadline(expired)  # asyncio refuses to move a deadline that has passed

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


@pytest.mark.parametrize("name", ["window", "held_batches", "held_bytes", "ack_timeout_s", "connect_timeout_s"])
def test_options_that_could_never_work_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be >"):
        msgspec.structs.replace(FAST, **{name: 0})
