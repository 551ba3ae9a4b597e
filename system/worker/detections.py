"""Detections as JSON lines: what `caudal up --detections` and `caudal scan` write for each match.

One object a line: source, batch, index, record, signature, severity, line. `record` is the record's number in its
agent's stream (null for other clients), `batch` and `index` its place on the wire; bytes of the line that aren't UTF-8
are escaped with backslashreplace.
"""

from collections.abc import Sequence

import msgspec

from system.engine.engine import Hits
from system.signatures.model import Signature
from system.wire import batch_id as batch_ids
from system.wire.chunk import parse_chunk
from system.wire.records import Records


class Detection(msgspec.Struct, frozen=True):
    """One match, in the order in which its fields are written."""

    source: str
    batch: str | None
    index: int | None
    record: int | None
    signature: str
    severity: str
    line: str


def readable(raw: bytes) -> str:
    """Bytes as text, what isn't UTF-8 escaped."""
    return raw.decode("utf-8", "backslashreplace")


def detection_lines(batch_id: bytes, records: Records, hits: Hits, signatures: Sequence[Signature]) -> bytes:
    """The JSON lines of one batch's hits, without a last newline; empty if there are none."""
    if not len(hits.record):
        return b""
    tag, name = batch_ids.split(batch_id)
    chunk = parse_chunk(name)
    source = readable(tag) if chunk is None else f"agent {chunk.agent}"
    lines = []
    for index, number in zip(hits.record.tolist(), hits.signature.tolist(), strict=True):
        signature = signatures[number]
        lines.append(
            msgspec.json.encode(
                Detection(
                    source,
                    readable(name),
                    index,
                    None if chunk is None else chunk.first + index,
                    signature.id,
                    signature.severity,
                    readable(records.buffer[records.starts[index] : records.ends[index]]),
                )
            )
        )
    return b"\n".join(lines)
