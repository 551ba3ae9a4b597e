"""The gateway over real sockets when all goes well: acks, rounds, clients, the end."""

import asyncio
import gzip

import msgpack
import pytest
from fluent.asyncsender import FluentSender as AsyncSender  # type: ignore[import-untyped]
from fluent.sender import FluentSender  # type: ignore[import-untyped]

from system.gateway.stats import Close
from system.settings import Limits
from system.wire.chunk import Chunk
from system.wire.packing import ack, message_header, message_option, pack_record
from system.wire.records import locate
from tests.integration.gateway_fakes import ID_ACK, LOOPS, Field, message, play, until

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("loop", LOOPS)]


def test_every_message_is_acknowledged_exactly_and_in_order(loop: str) -> None:
    async def scene(field: Field) -> None:
        clients = [await field.connect() for _ in range(4)]
        expected = []
        for number, client in enumerate(clients):
            answers = b""
            for count in range(100):
                chunk = f"{number}-{count}\n"
                client.send(message(count * 7, chunk if count % 2 else chunk.encode()))
                answers += msgpack.packb({"ack": chunk if count % 2 else chunk.encode()})
            expected.append(answers)
        for client, answers in zip(clients, expected, strict=True):
            assert await client.read(len(answers)) == answers
        assert len(field.publisher.batches) == field.stats.accepted == field.stats.frames == 400
        assert len({batch.id for batch in field.publisher.batches}) == 400

    play(loop, scene)


def test_the_batch_arrives_as_our_agents_sent_it(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect()
        packed = b"".join(pack_record(place, b"line" * place) for place in range(4000))
        assert len(packed) > 10**7
        chunk = Chunk(1, 2, 3, 4000)
        raw = message_header(b"app", len(packed)) + packed + message_option(chunk.encode(), 4000)
        client.send(raw)
        answer = ack(chunk.encode())
        assert await client.read(len(answer)) == answer
        (batch,) = field.publisher.batches
        assert (batch.chunk, batch.packed, batch.id) == (chunk, packed, b"app\0" + chunk.encode())
        assert field.stats.received_bytes == len(raw)

    play(loop, scene, Limits(frame_bytes=1 << 25))


def test_a_repeated_batch_is_acknowledged_again_and_taken_once(loop: str) -> None:
    async def scene(field: Field) -> None:
        client, other = await field.connect(), await field.connect()
        client.send(message() * 3)
        assert await client.read(3 * len(ID_ACK)) == 3 * ID_ACK
        other.send(message())
        assert await other.read(len(ID_ACK)) == ID_ACK
        assert (field.stats.accepted, field.stats.known) == (1, 3)

    play(loop, scene)


def test_nothing_is_acknowledged_before_the_broker_confirms_and_what_waits_goes_in_one_round(loop: str) -> None:
    async def scene(field: Field) -> None:
        clients = [await field.connect() for _ in range(10)]
        field.publisher.open.clear()
        clients[0].send(message(chunk="first"))
        await until(lambda: field.publisher.rounds == [1])
        for number, client in enumerate(clients):
            client.send(b"".join(message(chunk=f"{number}-{count}") for count in range(10)))
        await until(lambda: field.stats.batches == 101)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(clients[1].reader.read(1), 0.05)
        field.publisher.open.set()
        for client in clients[1:]:
            await client.read(10 * len(ack(b"0-0")))
        assert field.publisher.rounds == [1, 60, 40]

    play(loop, scene, round_batches=60)


def test_gzip_is_flagged_and_passed_on(loop: str) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect()
        payload = gzip.compress(pack_record(1, b"line"))
        client.send(msgpack.packb(["app", payload, {"compressed": "gzip", "chunk": "id"}]))
        assert await client.read(len(ID_ACK)) == ID_ACK
        (batch,) = field.publisher.batches
        assert (batch.gzip, batch.packed) == (True, payload)

    play(loop, scene)


def test_heartbeats_and_empty_connections_are_cheap_and_no_errors(loop: str) -> None:
    async def scene(field: Field) -> None:
        for _ in range(50):
            (await field.connect()).close()
        client = await field.connect()
        client.send(b"\xc0" * 1000)
        await until(lambda: field.stats.frames == 1000)
        client.close()
        await until(lambda: field.stats.connections == 0)
        assert field.stats.connections_total == 51
        assert field.stats.closes == {}
        assert field.stats.batches == 0

    play(loop, scene)


def test_a_client_that_ends_its_sending_half_is_still_answered(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        client = await field.connect()
        client.send(message())
        client.writer.write_eof()
        await until(lambda: field.stats.batches == 1)
        field.publisher.open.set()
        assert await client.rest() == ID_ACK

    play(loop, scene)


def test_the_end_lets_rounds_finish_and_acks_go_out(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        client, half = await field.connect(), await field.connect()
        client.send(message())
        half.send(message(1000)[:500])
        await until(lambda: field.stats.batches == 1 and field.gateway.admission.partial_bytes > 0)
        closing = asyncio.create_task(field.server.close())
        await until(lambda: not field.server.is_listening)
        with pytest.raises(ConnectionRefusedError):
            await field.connect()
        client.send(message(chunk="too late"))
        field.publisher.open.set()
        await closing
        assert await client.rest() == ID_ACK
        assert await half.rest() == b""
        assert field.stats.accepted == 1
        assert field.stats.connections == 0

    play(loop, scene)


@pytest.mark.parametrize("nanosecond_precision", [False, True])
def test_fluent_logger_feeds_the_gateway_unmodified(loop: str, nanosecond_precision: bool) -> None:
    def emit(host: str, port: int) -> None:
        sender = FluentSender("app", host=host, port=port, nanosecond_precision=nanosecond_precision)
        waiting = AsyncSender("app", host=host, port=port, nanosecond_precision=nanosecond_precision)
        for number in range(100):
            assert sender.emit("sync", {"message": f"line {number}", "level": "info"})
            assert waiting.emit("async", {"log": f"line {number}"})
        sender.close()
        waiting.close()

    async def scene(field: Field) -> None:
        await asyncio.to_thread(emit, field.server.host, field.server.port)
        await until(lambda: field.stats.accepted == 200)
        texts = []
        for batch in field.publisher.batches:
            found = locate(batch.packed)
            assert (found.malformed, found.starts.size) == (0, 1)
            texts.append(found.buffer[found.starts[0] : found.ends[0]].decode())
        assert sorted(texts) == sorted(f"line {number}" for number in range(100) for _ in range(2))
        assert len({batch.id for batch in field.publisher.batches}) == 200
        assert Close.INCOMPLETE_FRAME not in field.stats.closes

    play(loop, scene)
