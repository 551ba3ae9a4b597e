"""Micro-benchmarks of frame decoding: envelopes out of a byte stream, as the gateway reads it."""

from typing import Any

from system.wire.framing import FrameReader
from system.wire.packing import message_header, message_option
from tests.bench import inputs

READ_BYTES = 65_536
LIMIT_BYTES = 1 << 24


def stream(messages: int, payload: bytes, records: int) -> list[bytes]:
    """So many messages, cut into the reads that they come in."""
    one = message_header(inputs.TAG, len(payload)) + payload + message_option(b"c" * 36, records)
    whole = one * messages
    return [whole[at : at + READ_BYTES] for at in range(0, len(whole), READ_BYTES)]


def decoded(reads: list[bytes]) -> int:
    """How many envelopes the reads hold."""
    reader = FrameReader(LIMIT_BYTES)
    return sum(1 for read in reads for _ in reader.feed(read))


def test_messages_of_100_records(counted: Any) -> None:
    reads = stream(50, inputs.packed(), inputs.RECORDS)
    assert counted(lambda: decoded(reads)) == 50


def test_messages_of_1_record(counted: Any) -> None:
    reads = stream(50, inputs.packed()[:250], 1)
    assert counted(lambda: decoded(reads)) == 50


def test_messages_in_forward_mode(counted: Any) -> None:
    """Entries in an array: a walker steps over each."""
    entries = b"\xdc" + inputs.RECORDS.to_bytes(2, "big") + inputs.packed()
    one = b"\x93\xa5bench" + entries + message_option(b"c" * 36, inputs.RECORDS)
    assert counted(lambda: decoded([one] * 5)) == 5
