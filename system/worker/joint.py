"""Scanning a task's batches: small ones laid end to end and scanned at once, each given what was found in it.

A batch's records and hits are those that a scan of it alone gives: an engine finds (record, signature) pairs, and what lies
outside a record has no say (`system.engine.engine`).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from system.engine.engine import Hits, SignatureEngine
from system.wire.joined import Part, locate_all
from system.wire.records import Records

#: So many bytes are laid end to end at most. What is made of them on the way stays in a core's second-level cache, and the
#: fixed cost of a scan is small against theirs; a batch of 1,000 web lines is scanned alone, without being copied.
JOINT_BYTES: Final = 192 * 1024


def scan_all(engine: SignatureEngine, parts: Sequence[Part]) -> list[tuple[Records, Hits]]:
    """The records of each batch and the hits in them, in the order of the batches."""
    return [found for some in _runs(parts) for found in _scan(engine, some)]


def _runs(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    begin = held = 0
    for at, part in enumerate(parts):
        size = len(part.buffer) - part.begin
        if at > begin and held + size > JOINT_BYTES:
            yield parts[begin:at]
            begin, held = at, 0
        held += size
    if parts:
        yield parts[begin:]


def _scan(engine: SignatureEngine, parts: Sequence[Part]) -> Iterator[tuple[Records, Hits]]:
    records, edges, malformed = locate_all(parts)
    hits = engine.scan(records.buffer, records.starts, records.ends)
    if len(parts) == 1:
        yield records, hits
        return
    pairs = np.searchsorted(hits.record, edges).tolist()
    bounds = edges.tolist()
    for at, broken in enumerate(malformed):
        first, last = bounds[at], bounds[at + 1]
        mine = slice(pairs[at], pairs[at + 1])
        found = (
            Hits((hits.record[mine] - first).astype(np.uint32), hits.signature[mine])
            if mine.start < mine.stop
            else _NONE
        )
        yield Records(records.buffer, records.starts[first:last], records.ends[first:last], broken), found


_NONE: Final = Hits(np.empty(0, np.uint32), np.empty(0, np.uint16))
