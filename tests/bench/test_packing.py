"""Micro-benchmarks of batch packing: lines through the agent's buffer into one message."""

from typing import Any

from system.agent.buffer import Buffer
from system.wire.packing import message_header, message_option, pack_lines
from tests.bench import inputs


def message() -> bytes:
    """The lines of one batch, buffered, packed and framed."""
    buffer = Buffer(inputs.RECORDS, 1_000_000_000)
    for at, line in enumerate(inputs.ring().lines[: inputs.RECORDS]):
        cut = buffer.add(line, at)
    assert cut is not None
    payload = b"".join(pack_lines(0, cut.records))
    return message_header(inputs.TAG, len(payload)) + payload + message_option(b"c" * 36, len(cut.records))


def test_a_message_of_100_lines(counted: Any) -> None:
    assert len(counted(message)) > inputs.RECORDS * 100
