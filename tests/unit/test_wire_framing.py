"""The envelope, mode by mode, with what real clients were seen to send; and what is refused, by name."""

import gzip
import struct
import tracemalloc

import msgpack
import pytest

from system.wire.framing import FrameReader
from system.wire.messages import Envelope, Mode, ProtocolError, Refusal
from system.wire.packing import ack, message_header, message_option, pack_record

LIMIT = 1 << 20
EVENT_TIME = msgpack.ExtType(0, struct.pack(">II", 1_700_000_000, 5))
LINE = {"log": "line"}
PACKED = msgpack.packb([EVENT_TIME, LINE]) + msgpack.packb([EVENT_TIME, {"log": "other"}])


def read(*reads: bytes) -> list[Envelope]:
    reader = FrameReader(LIMIT)
    envelopes = [envelope for data in reads for envelope in reader.feed(data)]
    assert reader.between_messages
    assert reader.partial_bytes == 0
    return envelopes


def refusal(data: bytes, limit: int = LIMIT) -> Refusal:
    with pytest.raises(ProtocolError) as caught:
        list(FrameReader(limit).feed(data))
    return caught.value.reason


def str32(data: bytes) -> bytes:
    return b"\xdb" + len(data).to_bytes(4, "big") + data


# Modes


def test_our_own_message_is_read_back() -> None:
    packed = pack_record(7, b"one") + pack_record(8, b"two")
    (envelope,) = read(message_header(b"app", len(packed)) + packed + message_option(b"c" * 36, 2))
    assert envelope == Envelope(b"app", packed, False, b"c" * 36, ack(b"c" * 36), Mode.PACKED)


def test_forward_mode_gives_the_packed_stream_and_no_ack_without_an_option() -> None:
    (envelope,) = read(msgpack.packb(["app", [[EVENT_TIME, LINE], [EVENT_TIME, {"log": "other"}]]]))
    assert envelope == Envelope(b"app", PACKED, False, None, None, Mode.FORWARD)


@pytest.mark.parametrize("entries", [1, 15, 16, 70_000])
def test_forward_mode_with_an_option_and_any_array_header(entries: int) -> None:
    message = msgpack.packb(["app", [[1, LINE]] * entries, {"chunk": "id", "size": entries}])
    (envelope,) = read(message)
    assert envelope.packed == msgpack.packb([1, LINE]) * entries
    assert (envelope.chunk, envelope.ack) == (b"id", ack(b"id"))


def test_forward_mode_may_be_empty() -> None:
    (envelope,) = read(msgpack.packb(["app", [], {"chunk": "id"}]))
    assert (envelope.packed, envelope.chunk) == (b"", b"id")


@pytest.mark.parametrize("time", [0, 127, 1_700_000_000, -5, EVENT_TIME])
def test_message_mode_becomes_a_stream_of_one_entry(time: object) -> None:
    (envelope,) = read(msgpack.packb(["app", time, LINE]))
    assert envelope == Envelope(b"app", msgpack.packb([time, LINE]), False, None, None, Mode.MESSAGE)


def test_message_mode_with_an_option() -> None:
    (envelope,) = read(msgpack.packb(["app", EVENT_TIME, LINE, {"chunk": "id"}]))
    assert (envelope.packed, envelope.chunk) == (msgpack.packb([EVENT_TIME, LINE]), b"id")


def test_event_time_may_be_ext_8() -> None:
    time = b"\xc7\x08\x00" + EVENT_TIME.data
    (envelope,) = read(b"\x93\xa3app" + time + msgpack.packb(LINE))
    assert envelope.packed == b"\x92" + time + msgpack.packb(LINE)


def test_fluent_bits_times_with_metadata_pass_through() -> None:
    entry = [[EVENT_TIME, {"meta": 1}], LINE]
    (envelope,) = read(msgpack.packb(["app", [entry], {"fluent_signal": 0, "metadata": {"a": [1, {"b": None}]}}]))
    assert envelope.packed == msgpack.packb(entry)


def test_a_compressed_payload_is_passed_on_as_it_came() -> None:
    payload = gzip.compress(PACKED) + gzip.compress(PACKED)
    (envelope,) = read(msgpack.packb(["app", payload, {"compressed": "gzip", "chunk": "id"}]))
    assert (envelope.packed, envelope.gzip, envelope.chunk) == (payload, True, b"id")


# Traps of real clients


def test_fluentd_sends_a_str32_payload_a_trailing_newline_and_the_name_text() -> None:
    option = msgpack.packb({"size": 2, "compressed": "text", "chunk": "Zg8x==\n"})
    (envelope,) = read(b"\x93", b"\xa3app" + str32(PACKED) + option)
    assert envelope == Envelope(b"app", PACKED, False, b"Zg8x==\n", b"\x81\xa3ack\xa7Zg8x==\n", Mode.PACKED)


def test_an_option_of_nil_is_no_option() -> None:
    (envelope,) = read(msgpack.packb(["app", EVENT_TIME, LINE, None]))
    assert envelope.chunk is None
    (envelope,) = read(msgpack.packb(["app", PACKED, {"chunk": None, "compressed": None}]))
    assert (envelope.chunk, envelope.ack) == (None, None)


@pytest.mark.parametrize("chunk", ["id", b"id", b"\xff\xfe raw \x00", "", b""])
def test_the_ack_repeats_the_chunk_as_str_or_bin(chunk: str | bytes) -> None:
    (envelope,) = read(msgpack.packb(["app", PACKED, {"chunk": chunk}]))
    assert envelope.ack is not None
    assert msgpack.unpackb(envelope.ack) == {"ack": chunk}
    assert envelope.chunk == (chunk.encode() if isinstance(chunk, str) else chunk)


def test_a_chunk_in_a_longer_form_than_needed_comes_back_in_that_form() -> None:
    (envelope,) = read(b"\x93\xa3app\xa0\x81\xa5chunk" + str32(b"id"))
    assert envelope.ack == b"\x81\xa3ack" + str32(b"id")


def test_raw_bytes_in_a_str_are_no_reason_to_refuse() -> None:
    (envelope,) = read(b"\x93\xa2\xff\xfe\xa2\xff\xfe\x81\xa5chunk\xa2\xff\xfe")
    assert (envelope.tag, envelope.packed, envelope.chunk) == (b"\xff\xfe", b"\xff\xfe", b"\xff\xfe")


def test_the_clients_size_counts_for_nothing() -> None:
    sizes = (0, -1, 10**9, "many", 1.5, None)
    envelopes = read(b"".join(msgpack.packb(["app", PACKED, {"size": size}]) for size in sizes))
    assert {envelope.packed for envelope in envelopes} == {PACKED}


def test_a_tag_may_be_bin_and_the_array_header_long() -> None:
    envelopes = read(msgpack.packb([b"app", PACKED]) + b"\xdc\x00\x02\xa3app\xa0" + b"\xdd\x00\x00\x00\x02\xa3app\xa0")
    assert [envelope.tag for envelope in envelopes] == [b"app"] * 3


def test_several_messages_of_all_modes_come_out_of_one_segment() -> None:
    messages = [
        ["a", PACKED, {"chunk": "1"}],
        ["b", 5, LINE],
        ["c", [[1, LINE]]],
        ["d", 5, LINE, {"chunk": "4"}],
        ["e", PACKED],
        ["f", [[1, LINE]], {"chunk": "6"}],
        ["g", b""],
    ]
    envelopes = read(b"".join(map(msgpack.packb, messages)))
    assert [envelope.tag for envelope in envelopes] == [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]
    assert [envelope.chunk for envelope in envelopes] == [b"1", None, None, b"4", None, b"6", None]


def test_heartbeats_are_stepped_over_between_messages() -> None:
    reader = FrameReader(LIMIT)
    message = msgpack.packb(["a", 5, LINE])
    assert len(list(reader.feed(b"\xc0\xc0" + message + b"\xc0" + message + b"\xc0"))) == 2
    assert reader.frames == 6
    assert reader.between_messages


def test_no_bytes_at_all_are_no_message() -> None:
    assert read(b"") == []


# Pieces


def test_a_message_may_come_byte_by_byte() -> None:
    for message in (["a", PACKED, {"chunk": "1"}], ["a", [[1, LINE]] * 20, {"x": [1]}], ["a", EVENT_TIME, LINE, None]):
        raw = msgpack.packb(message)
        assert read(*(raw[i : i + 1] for i in range(len(raw)))) == read(raw)


def test_bytes_held_are_known_while_a_message_is_incomplete() -> None:
    reader = FrameReader(LIMIT)
    message = msgpack.packb(["app", bytes(100_000), {"chunk": "1"}])
    assert list(reader.feed(message[:60_000])) == []
    assert 59_000 < reader.partial_bytes <= 60_000
    assert list(reader.feed(message[60_000:-2])) == []
    assert 99_000 < reader.partial_bytes <= 100_020
    assert not reader.between_messages
    assert len(list(reader.feed(message[-2:]))) == 1
    assert reader.partial_bytes == 0


@pytest.mark.parametrize("mode", [Mode.PACKED, Mode.FORWARD])
def test_single_bytes_cost_little_more_than_their_size(mode: Mode) -> None:
    # Counted, not timed: a list of 100,000 one-byte reads would be 3.4 MB and more.
    body = bytes(100_000) if mode is Mode.PACKED else [bytes(100_000)]
    message = msgpack.packb(["app", body])
    reader = FrameReader(LIMIT)
    tracemalloc.start()
    for octet in message[:-1]:
        list(reader.feed(bytes((octet,))))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000
    assert len(list(reader.feed(message[-1:]))) == 1


# Refusals


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", Refusal.NOT_AN_ARRAY),
        (b"<34>Oct 11 22:14:15 host su: text\n", Refusal.NOT_AN_ARRAY),
        (b"\x16\x03\x01\x02\x00", Refusal.NOT_AN_ARRAY),  # TLS
        (b"\xc1", Refusal.NOT_AN_ARRAY),
        (msgpack.packb(7), Refusal.NOT_AN_ARRAY),
        (msgpack.packb({"a": 1}), Refusal.NOT_AN_ARRAY),
        (msgpack.packb([]), Refusal.WRONG_LENGTH),
        (msgpack.packb(["app"]), Refusal.WRONG_LENGTH),
        (msgpack.packb(["app", b"", None, None, None]), Refusal.WRONG_LENGTH),
        (msgpack.packb(["app", b"", None, None]), Refusal.WRONG_LENGTH),
        (msgpack.packb(["app", [], None, None]), Refusal.WRONG_LENGTH),
        (msgpack.packb(["app", 5]), Refusal.WRONG_LENGTH),
        (b"\xdd\xff\xff\xff\xff", Refusal.WRONG_LENGTH),
        (msgpack.packb([None, b""]), Refusal.BAD_TAG),
        (msgpack.packb([5, b""]), Refusal.BAD_TAG),
        (msgpack.packb(["a\0b", b""]), Refusal.BAD_TAG),
        (msgpack.packb(["a" * 1025, b""]), Refusal.TAG_TOO_LONG),
        (b"\x92\xdb\xff\xff\xff\xff", Refusal.TAG_TOO_LONG),
        (msgpack.packb(["app", {"a": 1}]), Refusal.BAD_ENTRIES),
        (msgpack.packb(["app", 1.5, LINE]), Refusal.BAD_ENTRIES),
        (msgpack.packb(["app", None, LINE]), Refusal.BAD_ENTRIES),
        (msgpack.packb(["app", True, LINE]), Refusal.BAD_ENTRIES),
        (msgpack.packb(["app", msgpack.ExtType(1, bytes(8)), LINE]), Refusal.BAD_ENTRIES),
        (msgpack.packb(["app", msgpack.ExtType(0, bytes(4)), LINE]), Refusal.BAD_ENTRIES),
        (b"\x92\xa3app\xc1", Refusal.BAD_ENTRIES),
        (msgpack.packb(["app", b"", 5]), Refusal.BAD_OPTION),
        (msgpack.packb(["app", b"", {5: 5}]), Refusal.BAD_OPTION),
        (msgpack.packb(["app", b"", {"x": "y" * 70_000}]), Refusal.OPTION_TOO_LARGE),
        (msgpack.packb(["app", b"", {"x": [0] * 70_000}]), Refusal.OPTION_TOO_LARGE),
        (msgpack.packb(["app", b"", {"x" * 70_000: 1}]), Refusal.OPTION_TOO_LARGE),
        (msgpack.packb(["app", b"", {str(i): i for i in range(17)}]), Refusal.OPTION_TOO_LARGE),
        (b"\x93\xa3app\xa0\xdf\xff\xff\xff\xff", Refusal.OPTION_TOO_LARGE),
        (b"\x93\xa3app\xa0\x81\xa5chunk\xdb\xff\xff\xff\xff", Refusal.OPTION_TOO_LARGE),
        (b"\x93\xa3app\xa0\x81\xa1x\xc1", Refusal.BAD_MSGPACK),
        (msgpack.packb(["app", b"", {"chunk": 5}]), Refusal.BAD_CHUNK),
        (msgpack.packb(["app", b"", {"chunk": ["id"]}]), Refusal.BAD_CHUNK),
        (msgpack.packb(["app", b"", {"chunk": "x" * 257}]), Refusal.BAD_CHUNK),
        (msgpack.packb(["app", b"", {"compressed": "zstd"}]), Refusal.UNKNOWN_COMPRESSION),
        (msgpack.packb(["app", b"", {"compressed": 1}]), Refusal.UNKNOWN_COMPRESSION),
        (b"\x92\xa3app\x91\xc1", Refusal.BAD_MSGPACK),
        (b"\x93\xa3app\x05\x81\xa3log\xc1", Refusal.BAD_MSGPACK),
        (b"\x92\xa3app" + b"\x91" * 10_000, Refusal.TOO_DEEP),
    ],
)
def test_what_is_no_message_is_refused_by_name(raw: bytes, reason: Refusal) -> None:
    assert refusal(raw) is reason


@pytest.mark.parametrize(
    "raw",
    [
        b"\x93\xa3app\xc6\x40\x00\x00\x00",  # bin32 of 1 GiB
        b"\x93\xa3app\xdb\xff\xff\xff\xff",
        b"\x93\xa3app\xc5\xff\xff",
        b"\x93\xa3app\xdd\xff\xff\xff\xff",  # array of 2^32-1 entries
    ],
)
def test_a_claimed_length_above_the_limit_is_refused_at_once_and_allocates_nothing(raw: bytes) -> None:
    reader = FrameReader(1000)
    tracemalloc.start()
    with pytest.raises(ProtocolError) as caught:
        list(reader.feed(raw))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.reason is Refusal.TOO_LARGE
    assert peak_bytes < 64 * 1024


@pytest.mark.parametrize("size", [1, 500, 50_000])
def test_a_body_is_refused_once_it_passes_the_limit_in_pieces_of_any_size(size: int) -> None:
    raw = msgpack.packb(["app", [[1, {"log": "x" * 2000}]]])
    reader = FrameReader(1000)
    reasons = []
    for at in range(0, len(raw), size):
        try:
            list(reader.feed(raw[at : at + size]))
        except ProtocolError as error:
            reasons.append(error.reason)
            break
        assert reader.partial_bytes <= 1000 + size
    assert reasons == [Refusal.TOO_LARGE]


@pytest.mark.parametrize("second", [bytes(1000), [bytes(997)]])
def test_a_body_of_exactly_the_limit_is_taken(second: object) -> None:
    (envelope,) = FrameReader(1000).feed(msgpack.packb(["app", second]))
    assert len(envelope.packed) == 1000


def test_messages_before_a_refused_one_are_delivered() -> None:
    delivered: list[Envelope] = []
    with pytest.raises(ProtocolError):
        delivered.extend(FrameReader(LIMIT).feed(msgpack.packb(["a", b""]) * 2 + b"HTTP"))
    assert [envelope.tag for envelope in delivered] == [b"a", b"a"]


def test_what_is_held_of_a_message_pins_no_read_that_is_much_larger() -> None:
    """20,000 connections that each hold 4 KB of a body would hold 64 KiB each."""
    reader = FrameReader(1 << 20)
    head = b"\x92\xa1t\xc6" + (100_000).to_bytes(4, "big")
    assert list(reader.feed(b"\xc0" * (65_536 - 5_000 - len(head)) + head + bytes(5_000))) == []
    assert reader.partial_bytes == 5_000
    assert sum(len(one.obj) if isinstance(one, memoryview) else len(one) for one in reader._parts) == 5_000


def test_what_a_walker_holds_counts_too() -> None:
    """In forward mode the end of a body is walked to: the walker holds the bytes once more, and room to grow."""
    reader = FrameReader(1 << 20)
    assert list(reader.feed(b"\x92\xa1t\xdc\xff\xff" + bytes(10_000))) == []
    assert reader.partial_bytes == 10_000
    assert reader.held_bytes == 3 * 10_000
