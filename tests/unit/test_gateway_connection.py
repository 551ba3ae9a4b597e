"""One connection against a transport and a clock of the test: holds, deadlines, identities."""

import asyncio
import tracemalloc
from collections.abc import Sequence

import msgpack
import pytest

from system.broker.batch import Batch
from system.broker.publisher import Outcome
from system.gateway.admission import BATCH_OVERHEAD_BYTES
from system.gateway.connection import Connection
from system.gateway.server import Gateway
from system.gateway.stats import Close
from system.settings import Limits
from system.wire import batch_id
from system.wire.chunk import Chunk
from system.wire.messages import Refusal
from system.wire.packing import message_header, message_option, pack_record

SECOND_NS = 10**9


class FakeTransport(asyncio.Transport):
    """Writes into a list; reads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.state = "open"

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.state == "open"
        self.written += bytes(data)

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.state in ("closed", "aborted")

    def write_eof(self) -> None:
        assert self.state == "open"
        self.state = "ended"

    def close(self) -> None:
        self.state = "closed"

    def abort(self) -> None:
        self.state = "aborted"


class Collector:
    """A publisher that holds what it is given."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        self.batches += batches
        return [Outcome.ACCEPTED] * len(batches)

    async def close(self) -> None: ...


class Bench:
    """A gateway with a settable clock, and connections without sockets."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.now_mono_ns = 0
        self.publisher = Collector()
        self.gateway = Gateway(self.publisher, limits or Limits(), clock=lambda: self.now_mono_ns, soon=lambda _: None)

    def connect(self) -> tuple[Connection, FakeTransport]:
        connection, transport = self.gateway.connection(), FakeTransport()
        connection.connection_made(transport)
        return connection, transport

    def check_at(self, second: float) -> None:
        self.now_mono_ns = round(second * SECOND_NS)
        for connection in list(self.gateway.watched):
            connection.check(self.now_mono_ns)

    def publish(self) -> list[Batch]:
        """Runs the rounds until nothing waits."""
        self.gateway.rounds.stop()
        asyncio.run(self.gateway.rounds.run())
        return self.publisher.batches


def message(body_bytes: int = 0, chunk: object = "id", tag: str = "app") -> bytes:
    packed: bytes = msgpack.packb([tag, bytes(body_bytes), {"chunk": chunk}])
    return packed


# Identity


def test_a_batch_is_named_by_tag_and_chunk_and_carries_the_instant_it_was_complete() -> None:
    bench = Bench()
    connection, _ = bench.connect()
    packed = pack_record(5, b"line")
    raw = message_header(b"app", len(packed)) + packed + message_option(Chunk(1, 2, 3, 1).encode(), 1)
    connection.data_received(raw[:10])
    bench.now_mono_ns = 77
    connection.data_received(raw[10:])
    chunk = Chunk(1, 2, 3, 1)
    assert bench.publish() == [Batch(b"app\0" + chunk.encode(), chunk, packed, False, 77)]


def test_another_clients_chunk_is_an_identity_without_meaning() -> None:
    bench = Bench()
    connection, _ = bench.connect()
    connection.data_received(message(chunk="Zg8x==\n"))
    (batch,) = bench.publish()
    assert (batch.id, batch.chunk) == (b"app\0Zg8x==\n", None)


@pytest.mark.parametrize("chunk", [None, "", b""])
def test_without_a_chunk_every_batch_is_a_new_one(chunk: object) -> None:
    bench = Bench()
    connection, transport = bench.connect()
    connection.data_received(message(chunk=chunk) * 3)
    ids = {batch.id for batch in bench.publish()}
    assert len(ids) == 3
    assert {batch_id.split(identity)[0] for identity in ids} == {b"app"}
    assert {len(batch_id.split(identity)[1]) for identity in ids} == {16}
    assert transport.written == (b"" if chunk is None else msgpack.packb({"ack": chunk}) * 3)


# Deadlines


def test_a_message_that_is_not_ended_in_time_closes_the_connection_however_many_bytes_come() -> None:
    bench = Bench(Limits(frame_deadline_s=10))
    connection, transport = bench.connect()
    for second in range(10):
        bench.check_at(second)
        connection.data_received(message(100)[second : second + 1])
    bench.check_at(10)
    assert transport.state == "open"
    bench.check_at(10.1)
    assert transport.state == "closed"
    assert bench.gateway.stats.closes == {Close.FRAME_DEADLINE: 1}


def test_a_deadline_goes_on_after_the_gateway_has_stopped_reading() -> None:
    bench = Bench(Limits(frame_deadline_s=10, inflight_bytes=20_000))
    connection, _ = bench.connect()
    slow, slow_transport = bench.connect()
    slow.data_received(message(100)[:50])
    bench.check_at(5)
    connection.data_received(message(20_000))
    bench.check_at(100)
    connection.settled(20_000 + BATCH_OVERHEAD_BYTES, b"")
    bench.check_at(105)
    assert slow_transport.state == "open"
    bench.check_at(105.1)
    assert slow_transport.state == "closed"


def test_an_idle_connection_stays_open_and_is_not_watched() -> None:
    bench = Bench()
    connection, transport = bench.connect()
    connection.data_received(message(100) + message(100)[:9])
    assert bench.gateway.watched == {connection}
    connection.data_received(message(100)[9:])
    assert bench.gateway.watched == set()
    assert transport.state == "open"


def test_a_peer_that_does_not_read_its_acks_is_not_read_from_and_dropped_at_the_deadline() -> None:
    bench = Bench(Limits(frame_deadline_s=10))
    connection, transport = bench.connect()
    connection.pause_writing()
    assert not transport.reading
    bench.check_at(9)
    connection.resume_writing()
    assert transport.reading
    connection.pause_writing()
    bench.check_at(19)
    assert transport.state == "open"
    bench.check_at(19.1)
    assert transport.state == "aborted"
    assert bench.gateway.stats.closes == {Close.UNREAD_ACKS: 1}


def test_a_closed_connection_waits_a_second_for_its_peer_to_end_too() -> None:
    bench = Bench()
    connection, transport = bench.connect()
    connection.pause_writing()
    connection.data_received(b"HTTP")
    assert transport.state == "ended"
    assert transport.reading  # what still comes is dropped: closing with bytes unread would be a reset
    bench.check_at(1)
    assert transport.state == "ended"
    bench.check_at(1.1)
    assert transport.state == "aborted"
    assert bench.gateway.stats.closes == {Refusal.NOT_AN_ARRAY: 1}


# Holds


def test_a_connection_above_its_own_limit_is_read_again_at_half_of_it() -> None:
    bench = Bench(Limits(connection_inflight_bytes=10_000))
    connection, transport = bench.connect()
    connection.data_received(message(9_000))
    assert not transport.reading
    connection.settled(4_000, b"")
    assert not transport.reading
    connection.settled(1_500, b"")
    assert transport.reading


def test_a_message_larger_than_the_connections_limit_is_read_once_nothing_else_is_in_flight() -> None:
    bench = Bench(Limits(connection_inflight_bytes=10_000))
    connection, transport = bench.connect()
    connection.data_received(message(1_000) + message(20_000)[:9_000])
    assert not transport.reading
    connection.settled(1_000 + BATCH_OVERHEAD_BYTES, b"")
    assert transport.reading
    connection.data_received(message(20_000)[9_000:15_000])
    assert transport.reading


def test_above_the_limit_in_all_nobody_is_read_not_even_a_newcomer_until_half_is_left() -> None:
    bench = Bench(Limits(inflight_bytes=20_000))
    left, left_transport = bench.connect()
    _, right_transport = bench.connect()
    left.data_received(message(20_000))
    _, late_transport = bench.connect()
    transports = (left_transport, right_transport, late_transport)
    assert [transport.reading for transport in transports] == [False] * 3
    left.settled(9_000, b"")
    assert [transport.reading for transport in transports] == [False] * 3
    left.settled(20_000 + BATCH_OVERHEAD_BYTES - 9_000, b"")
    assert [transport.reading for transport in transports] == [True] * 3


def test_batches_before_a_refused_message_count_against_the_limit_too() -> None:
    bench = Bench(Limits(inflight_bytes=20_000))
    _, other_transport = bench.connect()
    hostile, _ = bench.connect()
    hostile.data_received(message(20_000) + b"HTTP")
    assert not other_transport.reading


def test_one_hold_taken_away_leaves_the_others() -> None:
    bench = Bench(Limits(connection_inflight_bytes=10_000))
    connection, transport = bench.connect()
    connection.data_received(message(9_000))
    connection.pause_writing()
    connection.settled(9_000 + BATCH_OVERHEAD_BYTES, b"")
    assert not transport.reading
    connection.resume_writing()
    assert transport.reading


def test_unfinished_messages_that_fill_the_memory_close_the_connection_that_asks_for_more() -> None:
    bench = Bench(Limits(inflight_bytes=20_000))
    first, first_transport = bench.connect()
    second, second_transport = bench.connect()
    first.data_received(message(19_000)[:15_000])
    second.data_received(message(19_000)[:15_000])
    assert (first_transport.state, second_transport.state) == ("open", "ended")
    assert bench.gateway.stats.closes == {Close.MEMORY: 1}
    assert bench.gateway.admission.partial_bytes < 15_000
    first.data_received(message(19_000)[15_000:])
    assert len(bench.publish()) == 1


# Ends


def test_a_connection_lost_in_flight_returns_its_bytes_and_loses_no_batch() -> None:
    bench = Bench()
    connection, transport = bench.connect()
    connection.data_received(message(100) + message(5_000)[:1_000])
    transport.close()
    connection.connection_lost(None)
    assert bench.gateway.admission.partial_bytes == 0
    assert bench.gateway.stats.closes == {Close.INCOMPLETE_FRAME: 1}
    assert len(bench.publish()) == 1
    assert bench.gateway.admission.batch_bytes == 0
    assert bench.gateway.stats.unanswerable == 1
    assert transport.written == b""


def test_a_connection_that_is_gone_holds_no_unfinished_message_while_its_batch_waits() -> None:
    bench = Bench()
    connection, _ = bench.connect()
    tracemalloc.start()
    connection.data_received(message(100))
    connection.data_received(message(1_000_000)[:900_000])
    held_bytes, _ = tracemalloc.get_traced_memory()
    connection.connection_lost(None)
    left_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes > 900_000
    assert left_bytes < 100_000


def test_a_peer_that_only_ends_its_sending_half_gets_the_acks_that_are_due() -> None:
    bench = Bench()
    connection, transport = bench.connect()
    connection.data_received(message())
    assert connection.eof_received() is True
    assert transport.state == "open"
    bench.publish()
    assert transport.written == msgpack.packb({"ack": "id"})
    assert transport.state == "closed"


def test_a_peer_that_ends_with_nothing_in_flight_is_closed_at_once_and_uncounted() -> None:
    bench = Bench()
    connection, _ = bench.connect()
    assert connection.eof_received() is False
    connection.connection_lost(None)
    assert bench.gateway.stats.closes == {}
    assert bench.gateway.connections == set()


def test_connections_above_the_limit_are_closed_and_counted_and_leave_the_others_alone() -> None:
    bench = Bench(Limits(connections=1))
    first, first_transport = bench.connect()
    second, second_transport = bench.connect()
    assert (first_transport.state, second_transport.state) == ("open", "closed")
    second.connection_lost(None)
    assert bench.gateway.stats.closes == {Close.TOO_MANY_CONNECTIONS: 1}
    assert bench.gateway.connections == {first}
    first.connection_lost(None)
    _, third_transport = bench.connect()
    assert third_transport.state == "open"


def test_bytes_that_come_after_the_close_are_dropped() -> None:
    bench = Bench()
    connection, _ = bench.connect()
    connection.close(Close.CONFLICT)
    connection.data_received(message())
    assert connection.eof_received() is False
    assert bench.publish() == []


def test_batches_in_flight_when_the_connection_is_closed_are_not_acknowledged() -> None:
    bench = Bench()
    connection, transport = bench.connect()
    connection.data_received(message() + b"HTTP")
    bench.publish()
    assert (transport.state, transport.written) == ("ended", b"")
    assert (bench.gateway.stats.accepted, bench.gateway.stats.unanswerable) == (1, 1)
