"""What our agents write, held against msgpack's own reading of it."""

import struct

import msgpack
import pytest

from system.wire.eventtime import pack_event_time, read_event_time
from system.wire.format import str_header
from system.wire.packing import ack, message_header, message_option, pack_record

INSTANT_NS = 1_700_000_001_234_567_890


def test_a_record_is_the_documented_bytes() -> None:
    expected = b"\x92\xd7\x00" + struct.pack(">II", 1_700_000_001, 234_567_890) + b"\x81\xa3log\xa5hello"
    assert pack_record(INSTANT_NS, b"hello") == expected


@pytest.mark.parametrize("size", [0, 1, 31, 32, 255, 256, 65_535, 65_536])
def test_a_line_of_any_length_is_read_back_whole(size: int) -> None:
    line = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    time, record = msgpack.unpackb(pack_record(INSTANT_NS, line), raw=True)
    assert record == {b"log": line}
    assert time == msgpack.ExtType(0, struct.pack(">II", 1_700_000_001, 234_567_890))


@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 65_535, 65_536])
def test_a_str_header_is_the_one_msgpack_writes(size: int) -> None:
    assert str_header(size) == msgpack.packb("x" * size)[: -size or None]


def test_header_payload_and_option_make_one_packed_forward_message() -> None:
    packed = pack_record(INSTANT_NS, b"one") + pack_record(INSTANT_NS, b"two")
    message = message_header(b"app.web", len(packed)) + packed + message_option(b"c" * 36, 2)
    assert msgpack.unpackb(message) == ["app.web", packed, {"chunk": "c" * 36, "size": 2}]


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1])
def test_the_size_option_takes_any_count(size: int) -> None:
    assert msgpack.unpackb(message_option(b"", size)) == {"chunk": "", "size": size}


def test_an_ack_repeats_the_chunk() -> None:
    assert msgpack.unpackb(ack(b"Zg8x\n")) == {"ack": "Zg8x\n"}


@pytest.mark.parametrize("instant_ns", [-1, 2**32 * 10**9])
def test_an_instant_that_event_time_can_not_say_is_refused(instant_ns: int) -> None:
    with pytest.raises(ValueError, match=str(instant_ns)):
        pack_event_time(instant_ns)


def test_event_time_is_read_as_fixext_8_and_as_ext_8() -> None:
    raw = pack_event_time(INSTANT_NS)
    assert read_event_time(raw) == INSTANT_NS
    assert read_event_time(b"\xc7\x08\x00" + raw[2:]) == INSTANT_NS


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\xd7\xff" + bytes(8), b"\xd7\x00" + bytes(7), b"\xc7\x08\x01" * 4])
def test_other_values_are_no_event_time(raw: bytes) -> None:
    assert read_event_time(raw) is None


@pytest.mark.parametrize("count", [-1, 2**32])
def test_sizes_beyond_the_format_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=str(count)):
        message_option(b"", count)
    with pytest.raises(ValueError, match=str(count)):
        str_header(count)
