"""The client's side of the wire: records and messages as our agents and the load generator write them.

One PackedForward message is `message_header(tag, n) + packed + message_option(chunk, records)`, where `packed` is the
concatenation of `pack_record(...)` and has `n` bytes, so that a ready slice of packed records is sent without copying.

Source: Forward Protocol Specification v1, "PackedForward Mode" and "Response".
"""

from collections.abc import Sequence

from system.wire.eventtime import pack_event_time
from system.wire.format import bin_header, str_header

#: What comes before a chunk id's MessagePack str in an answer: a map of one pair whose key is "ack".
ACK_PREFIX = b"\x81\xa3ack"


def pack_record(event_time_unix_ns: int, line: bytes) -> bytes:
    """One entry `[EventTime, {"log": line}]`.

    The line is a MessagePack str whether it is UTF-8 or not, as Fluent Bit and Docker write raw bytes.
    """
    return b"\x92" + pack_event_time(event_time_unix_ns) + b"\x81\xa3log" + str_header(len(line)) + line


def pack_lines(event_time_unix_ns: int, lines: Sequence[bytes]) -> list[bytes]:
    """The entries of lines that have one EventTime: `pack_record` of each."""
    before = b"\x92" + pack_event_time(event_time_unix_ns) + b"\x81\xa3log"
    return [before + str_header(len(line)) + line for line in lines]


def message_header(tag: bytes, payload_bytes: int) -> bytes:
    """What comes before the packed records of a message with an option: array of 3, tag, length of the payload."""
    return b"\x93" + str_header(len(tag)) + tag + bin_header(payload_bytes)


def message_option(chunk: bytes, size: int) -> bytes:
    """What comes after the packed records: `{"chunk": chunk, "size": size}`, `size` being the number of records."""
    return b"\x82\xa5chunk" + str_header(len(chunk)) + chunk + b"\xa4size" + _uint(size)


def ack(chunk: bytes) -> bytes:
    """The answer to a message whose chunk id was a str: `{"ack": chunk}`."""
    return ACK_PREFIX + str_header(len(chunk)) + chunk


def _uint(value: int) -> bytes:
    if not 0 <= value < 1 << 32:
        raise ValueError(f"size must be in 0..4294967295 records, got {value}")
    if value < 0x80:
        return bytes((value,))
    if value < 1 << 8:
        return b"\xcc" + value.to_bytes(1, "big")
    if value < 1 << 16:
        return b"\xcd" + value.to_bytes(2, "big")
    return b"\xce" + value.to_bytes(4, "big")
