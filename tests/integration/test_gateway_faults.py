"""The gateway over real sockets when peers, the broker or the gateway itself do badly."""

import asyncio
import random
from collections.abc import Sequence

import msgpack
import pytest

from system.broker.batch import Batch
from system.broker.publisher import Outcome
from system.gateway.server import Gateway, serve
from system.gateway.stats import Close
from system.settings import Limits
from system.wire.messages import Refusal
from tests.integration.gateway_fakes import (
    ID_ACK,
    LOOPS,
    READ_BYTES,
    Client,
    Field,
    MemoryPublisher,
    message,
    play,
    run_in,
    until,
    until_still,
)

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("loop", LOOPS)]


def test_a_slow_loris_is_closed_at_the_deadline_while_others_are_served(loop: str) -> None:
    async def drip(client: Client) -> None:
        for octet in message(10_000):
            client.send(bytes((octet,)))
            try:
                if await asyncio.wait_for(client.reader.read(1), 0.02) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
        raise AssertionError("the gateway took 10,000 single bytes")

    async def scene(field: Field) -> None:
        good = await field.connect()
        drips = [asyncio.create_task(drip(await field.connect())) for _ in range(20)]
        while not all(task.done() for task in drips):
            good.send(message())
            assert await good.read(len(ID_ACK)) == ID_ACK
        await asyncio.gather(*drips)
        assert field.stats.closes == {Close.FRAME_DEADLINE: 20}

    play(loop, scene, Limits(frame_deadline_s=0.3))


def test_connections_above_the_limit_are_refused_until_one_leaves(loop: str) -> None:
    async def scene(field: Field) -> None:
        clients = [await field.connect() for _ in range(3)]
        await until(lambda: field.stats.connections == 3)
        for _ in range(5):
            assert await (await field.connect()).rest() == b""
        assert field.stats.closes == {Close.TOO_MANY_CONNECTIONS: 5}
        clients[0].close()
        await until(lambda: field.stats.connections == 2)
        late = await field.connect()
        late.send(message())
        assert await late.read(len(ID_ACK)) == ID_ACK

    play(loop, scene, Limits(connections=3))


@pytest.mark.parametrize(
    ("limits", "most_bytes"),
    [
        (Limits(inflight_bytes=1_000_000), 1_000_000 + READ_BYTES),
        (Limits(connection_inflight_bytes=300_000), 5 * (300_000 + READ_BYTES)),
    ],
    ids=["in all", "per connection"],
)
def test_memory_is_bounded_while_the_broker_stalls_and_nothing_is_lost(
    loop: str, limits: Limits, most_bytes: int
) -> None:
    async def push(client: Client, number: int) -> None:
        for count in range(60):  # 12 MB each: more than the socket buffers take
            client.send(message(200_000, f"{number:02}-{count:02}"))
            await client.writer.drain()

    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        clients = [await field.connect() for _ in range(5)]
        pushes = [asyncio.create_task(push(client, number)) for number, client in enumerate(clients)]
        await until(lambda: field.stats.holds > 0)
        await until_still(lambda: field.stats.received_bytes)
        assert not any(task.done() for task in pushes)
        late = await field.connect()
        late.send(message())
        assert 900_000 < field.gateway.admission.peak_bytes <= most_bytes
        field.publisher.open.set()
        for number, client in enumerate(clients):
            acks = b"".join(msgpack.packb({"ack": f"{number:02}-{count:02}"}) for count in range(60))
            assert await client.read(len(acks)) == acks
        await asyncio.gather(*pushes)
        assert await late.read(len(ID_ACK)) == ID_ACK
        assert field.gateway.admission.peak_bytes <= most_bytes
        assert field.gateway.admission.batch_bytes == field.gateway.admission.partial_bytes == 0

    play(loop, scene, limits)


def test_a_connection_that_comes_while_the_gateway_is_full_is_not_read(loop: str) -> None:
    """uvloop begins to read after it has said that a connection was made, whatever was paused then."""

    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        client = await field.connect()
        client.send(b"".join(message(30_000, f"{count}") for count in range(5)))
        await until(lambda: field.stats.holds > 0)
        await until_still(lambda: field.stats.received_bytes)
        before = field.stats.received_bytes
        late = await field.connect()
        late.send(message(30_000))
        await until(lambda: field.stats.holds > 1)
        await asyncio.sleep(0.2)
        assert field.stats.received_bytes == before
        field.publisher.open.set()
        assert await late.read(len(ID_ACK)) == ID_ACK

    play(loop, scene, Limits(inflight_bytes=100_000))


def test_reading_stopped_by_the_gateway_closes_no_slow_message(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        client, other = await field.connect(), await field.connect()
        other.send(message(1000)[:500])
        await until(lambda: field.gateway.admission.partial_bytes > 0)
        client.send(b"".join(message(30_000, f"{count}") for count in range(4)))
        await until(lambda: field.stats.holds == 2)
        # The deadline passes three times over, watched ten times each, while nobody is read.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.reader.read(1), 1.5)
        field.publisher.open.set()
        other.send(message(1000)[500:])
        assert await other.read(len(ID_ACK)) == ID_ACK
        assert field.stats.closes == {}

    play(loop, scene, Limits(inflight_bytes=100_000, frame_deadline_s=0.5))


def test_a_broker_that_does_not_confirm_costs_the_connection_and_no_false_ack(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.available = False
        idle = await field.connect()
        for attempt in range(3):
            client = await field.connect()
            client.send(message(chunk=f"{attempt}"))
            assert await client.rest() == b""
        await until_still(lambda: len(field.publisher.rounds))
        assert field.publisher.rounds == [1, 1, 1]
        field.publisher.available = True
        idle.send(message())
        assert await idle.read(len(ID_ACK)) == ID_ACK
        assert field.stats.closes == {Close.BROKER_UNAVAILABLE: 3}
        assert (field.stats.unconfirmed, field.stats.accepted) == (3, 1)

    play(loop, scene)


def test_a_conflict_closes_its_connection_after_the_acks_before_it_and_no_other(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.conflicts.add(b"app\0evil")
        guilty, innocent = await field.connect(), await field.connect()
        guilty.send(message() + message(chunk="evil") + message(chunk="after"))
        assert await guilty.rest() == ID_ACK
        innocent.send(message())
        assert await innocent.read(len(ID_ACK)) == ID_ACK
        assert field.stats.closes == {Close.CONFLICT: 1}

    play(loop, scene)


def test_a_peer_that_goes_in_the_middle_of_a_message_leaves_nothing_behind(loop: str) -> None:
    async def scene(field: Field) -> None:
        for _ in range(20):
            client = await field.connect()
            client.send(message(10_000)[:5_000])
            held_bytes = field.gateway.admission.partial_bytes
            await until(lambda held_bytes=held_bytes: field.gateway.admission.partial_bytes > held_bytes)  # type: ignore[misc]
            client.reset()
            await until(lambda: field.stats.connections == 0)
        assert field.stats.closes == {Close.INCOMPLETE_FRAME: 20}
        assert field.gateway.admission.partial_bytes == 0

    play(loop, scene)


def test_a_batch_whose_peer_has_gone_is_still_ours(loop: str) -> None:
    async def scene(field: Field) -> None:
        field.publisher.open.clear()
        client = await field.connect()
        client.send(message())
        await until(lambda: field.stats.batches == 1)
        client.reset()
        await until(lambda: field.stats.connections == 0)
        field.publisher.open.set()
        await until(lambda: field.stats.accepted == 1)
        assert field.stats.unanswerable == 1

    play(loop, scene)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Refusal.NOT_AN_ARRAY),
        (b"<34>1 2026-01-01T00:00:00Z host app - - - text\n", Refusal.NOT_AN_ARRAY),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Refusal.NOT_AN_ARRAY),
        (b"\xc1", Refusal.NOT_AN_ARRAY),
        (b"\x93\xa3app\xc6\x80\x00\x00\x00", Refusal.TOO_LARGE),  # 2 GiB, and nothing follows
        (msgpack.packb(["app", b"", {"chunk": 5}]), Refusal.BAD_CHUNK),
        (msgpack.packb(["app", b"", {"compressed": "zstd"}]), Refusal.UNKNOWN_COMPRESSION),
        (b"\x92\xa3app" + b"\x91" * 10_000, Refusal.TOO_DEEP),
    ],
)
def test_what_is_no_message_closes_the_connection_and_is_counted(loop: str, raw: bytes, reason: Refusal) -> None:
    async def scene(field: Field) -> None:
        client = await field.connect()
        client.send(raw)
        assert await client.rest() == b""
        assert field.stats.closes == {reason: 1}

    play(loop, scene)


def test_two_thousand_damaged_messages_stop_nothing_and_raise_nothing(loop: str) -> None:
    random_ = random.Random(20_260_101)

    def damaged() -> bytes:
        valid = bytearray(
            random_.choice(
                [
                    message(random_.randrange(200)),
                    msgpack.packb(["app", [[1, {"log": "x" * 40}]] * 5, {"chunk": "id", "size": 5}]),
                    msgpack.packb(["app", 1_700_000_000, {"log": "x" * 40}, {"chunk": "id", "metadata": {"a": [1]}}]),
                    random_.randbytes(random_.randrange(1, 60)),
                ]
            )
        )
        for _ in range(random_.randrange(4)):
            valid[random_.randrange(len(valid))] = random_.randrange(256)
        return bytes(valid if random_.random() < 0.5 else valid[: random_.randrange(1, len(valid) + 1)])

    async def throw(field: Field) -> None:
        client = await field.connect()
        try:
            client.send(damaged())
            await client.writer.drain()
            client.writer.write_eof()
        except OSError:
            pass  # refused and closed before all was sent
        await client.rest()
        client.close()

    async def scene(field: Field) -> None:
        for _ in range(40):
            await asyncio.gather(*(throw(field) for _ in range(50)))
        await until(lambda: field.stats.connections == 0)
        assert field.stats.connections_total == 2000
        # The damage bit: there were refusals of many kinds, cut messages, and some that stayed whole.
        assert len(set(field.stats.closes) & set(Refusal)) >= 6
        assert field.stats.closes[Close.INCOMPLETE_FRAME] > 100
        assert field.stats.batches > 100
        assert field.gateway.admission.batch_bytes == field.gateway.admission.partial_bytes == 0
        good = await field.connect()
        good.send(message())
        assert await good.read(len(ID_ACK)) == ID_ACK

    play(loop, scene)


def test_a_defect_of_the_publisher_ends_the_gateway_loudly(loop: str) -> None:
    class Broken(MemoryPublisher):
        async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
            raise RuntimeError("planted defect")

    async def run() -> None:
        server = await serve(Gateway(Broken(), Limits()), "127.0.0.1", 0)
        client = Client(*await asyncio.open_connection(server.host, server.port))
        client.send(message())
        assert await client.rest() == b""
        with pytest.raises(ExceptionGroup) as caught:
            await server.wait()
        assert caught.group_contains(RuntimeError, match="planted defect")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(server.host, server.port)
        with pytest.raises(ExceptionGroup):
            await server.close()
        client.close()

    run_in(loop, run())
