"""The syslog listener over real sockets: what is sent is published once, within the limits, and never answered."""

import asyncio
import logging
import logging.handlers
import struct
from collections.abc import Awaitable, Callable

import msgpack
import pytest

from system.gateway import lines as module
from system.gateway.lines import BATCH_LINES, LINE_LIMIT_BYTES, LineSession
from system.gateway.stats import Close
from system.settings import Limits
from system.wire.records import locate
from tests.integration.gateway_fakes import LOOPS, READ_BYTES, Field, MemoryPublisher, message, play, until, until_still

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("loop", LOOPS)]

Scene = Callable[[Field], Awaitable[None]]


def published(publisher: MemoryPublisher) -> list[bytes]:
    """All lines that the broker holds."""
    found = []
    for batch in publisher.batches:
        records = locate(batch.packed)
        assert records.malformed == 0
        for start, end in zip(records.starts.tolist(), records.ends.tolist(), strict=True):
            found.append(records.buffer[start:end])
    return found


def test_lines_of_all_framings_are_published_under_the_tag_and_a_random_chunk(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        client.send(b"<13>one\n7 <13>two<13>three\0")
        await until(lambda: len(field.publisher.batches) == 1)
        client.send(b"<13>four\n")
        await until(lambda: len(field.publisher.batches) == 2)
        assert published(field.publisher) == [b"<13>one", b"<13>two", b"<13>three", b"<13>four"]
        ids = [batch.id for batch in field.publisher.batches]
        assert [len(one) for one in ids] == [len(b"syslog\0") + 16] * 2
        assert all(one.startswith(b"syslog\0") for one in ids)
        assert ids[0] != ids[1]
        assert (field.stats.lines, field.stats.batches, field.stats.frames) == (4, 2, 0)

    play(loop, scene)


def test_a_full_batch_goes_at_once_and_the_rest_a_short_time_later(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 1000.0)

    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        client.send(b"x\n" * (BATCH_LINES + 1))
        await until(lambda: len(field.publisher.batches) == 1)
        assert len(published(field.publisher)) == BATCH_LINES
        client.close()  # the end of the stream flushes what waits
        await until(lambda: len(published(field.publisher)) == BATCH_LINES + 1)

    play(loop, scene)


def test_what_a_peer_sent_before_it_went_away_is_taken_whole_or_not(loop: str) -> None:
    async def scene(field: Field) -> None:
        for data in (b"<13>a\n<13>b", b"100 <13>c", b"12"):
            client = await field.connect_lines()
            client.send(data)
            await client.writer.drain()
            client.close()
        await until(lambda: field.stats.lines == 4)
        await until(lambda: len(published(field.publisher)) == 4)
        assert sorted(published(field.publisher)) == [b"12", b"<13>a", b"<13>b", b"<13>c"]
        assert field.stats.lines_cut == 1
        assert field.stats.unanswerable == 0

    play(loop, scene)


def test_the_gateways_end_publishes_what_lies_unread_in_its_sockets(loop: str) -> None:
    sent = [b"%d %s" % (number, b"x" * 90) for number in range(100_000)]

    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        client.send(b"".join(line + b"\n" for line in sent) + b"the last")
        await client.writer.drain()
        client.close()
        await until(lambda: field.stats.connections == 1)
        await field.server.close()
        assert published(field.publisher) == [*sent, b"the last"]

    play(loop, scene)


def test_a_sender_that_never_ends_does_not_keep_the_gateway_from_ending(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("system.gateway.server.DRAIN_LINES_S", 0.3)

    async def scene(field: Field) -> None:
        client = await field.connect_lines()

        async def send() -> None:
            while not client.writer.is_closing():
                client.send(b"x\n")
                await asyncio.sleep(0.005)

        sending = asyncio.ensure_future(send())
        await until(lambda: field.stats.lines > 0)
        async with asyncio.timeout(10):
            await field.server.close()
        sending.cancel()
        assert len(published(field.publisher)) == field.stats.lines

    play(loop, scene)


def test_a_slow_broker_stops_the_reading_and_no_line_is_lost(loop: str) -> None:
    limits = Limits(inflight_bytes=1 << 20)
    sent = b"".join(b"%d %s\n" % (number, b"x" * 90) for number in range(100_000))

    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        client = await field.connect_lines()
        client.send(sent)
        await until(lambda: field.stats.holds > 0)
        await until_still(lambda: field.stats.received_bytes)
        assert field.gateway.admission.peak_bytes <= (1 << 20) + 2 * READ_BYTES
        field.publisher.open.set()
        await until(lambda: len(published(field.publisher)) == 100_000)
        assert b"".join(line + b"\n" for line in published(field.publisher)) == sent
        assert field.gateway.admission.batch_bytes == field.gateway.admission.partial_bytes == 0

    play(loop, scene, limits)


def test_lines_that_wait_never_make_the_gateway_close_a_connection_for_memory(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 1000.0)

    async def scene(field: Field) -> None:
        clients = [await field.connect_lines() for _ in range(20)]
        for client in clients:
            client.send((b"x" * 999 + b"\n") * 100)
        await until(lambda: field.stats.lines == 2000)
        assert field.stats.closes == {}

    play(loop, scene, Limits(inflight_bytes=1 << 20))


def test_a_broker_that_does_not_confirm_ends_the_connection_and_the_lines_are_not_sent_again(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.available = False
        client = await field.connect_lines()
        client.send(b"lost\n")
        assert await client.rest() == b""
        assert field.stats.closes == {Close.BROKER_UNAVAILABLE: 1}
        assert field.stats.unconfirmed == 1
        field.publisher.available = True
        client = await field.connect_lines()
        client.send(b"kept\n")
        await until(lambda: published(field.publisher) == [b"kept"])

    play(loop, scene)


def test_a_line_that_is_not_ended_in_time_is_taken_as_it_is_and_its_connection_closed(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        client.send(b"whole\nhalf a li")
        assert await client.rest() == b""
        await until(lambda: published(field.publisher) == [b"whole", b"half a li"])
        assert field.stats.closes == {Close.FRAME_DEADLINE: 1}

    play(loop, scene, Limits(frame_deadline_s=0.2))


def test_a_silent_connection_between_lines_stays_open(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        client.send(b"one\n")
        other = await field.connect_lines()
        other.send(b"never ended")
        await other.rest()  # the deadline has passed for the other one
        client.send(b"two\n")
        await until(lambda: b"two" in published(field.publisher))

    play(loop, scene, Limits(frame_deadline_s=0.2))


def test_a_line_without_an_end_is_cut_to_the_limit_and_holds_no_more_memory(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        for _ in range(40):
            client.send(b"x" * 100_000)
            await client.writer.drain()
        await until(lambda: field.stats.received_bytes == 4_000_000)
        assert field.gateway.admission.peak_bytes <= LINE_LIMIT_BYTES + 2
        client.send(b"\nnext\n")
        await until(lambda: len(published(field.publisher)) == 2)
        assert published(field.publisher) == [b"x" * LINE_LIMIT_BYTES, b"next"]
        assert field.stats.lines_cut == 1

    play(loop, scene)


def test_both_listeners_share_the_connections_allowed(loop: str) -> None:
    async def scene(field: Field) -> None:
        await field.connect_lines()
        await until(lambda: field.stats.connections == 1)
        assert await (await field.connect()).rest() == b""
        assert await (await field.connect_lines()).rest() == b""
        assert field.stats.closes == {Close.TOO_MANY_CONNECTIONS: 2}

    play(loop, scene, Limits(connections=1))


def test_a_forward_message_on_the_syslog_port_is_no_message_and_gets_no_ack(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect_lines()
        client.send(message(3))
        client.writer.write_eof()
        assert await client.rest() == b""
        assert field.stats.frames == 0

    play(loop, scene)


def test_pythons_own_handler_is_understood(loop: str) -> None:
    async def scene(field: Field) -> None:
        assert field.server.syslog is not None

        def log() -> None:
            handler = logging.handlers.SysLogHandler(field.server.syslog, socktype=1)  # SOCK_STREAM
            logger = logging.Logger("test")
            logger.addHandler(handler)
            for number in range(3):
                logger.warning("sqlmap/%d", number)
            handler.close()

        await asyncio.to_thread(log)
        await until(lambda: len(published(field.publisher)) == 3)
        assert published(field.publisher) == [b"<12>sqlmap/0", b"<12>sqlmap/1", b"<12>sqlmap/2"]

    play(loop, scene)


def test_a_lines_event_time_is_its_arrival(loop: str) -> None:
    session = LineSession(10.0, unix_ns=lambda: 1_700_000_000_000_000_005)
    assert session.receive(b"<13>one\n", 0) == []
    (envelope,) = session.flush()
    time, record = msgpack.unpackb(envelope.packed)
    assert (struct.unpack(">II", time.data), record) == ((1_700_000_000, 5), {"log": "<13>one"})
    assert (envelope.chunk, envelope.ack, session.flush()) == (None, None, [])
