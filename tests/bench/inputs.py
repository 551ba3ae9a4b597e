"""What the micro-benchmarks work on: rendered once a process, the same bytes always."""

from functools import cache

from loadgen.model.records.ring import Ring, synthetic
from loadgen.ring import PackedRing
from system.broker.batch import Batch
from system.wire.chunk import Chunk

RECORDS = 100
TAG = b"bench"


@cache
def ring() -> Ring:
    """200 web lines, 2 % of them attacks."""
    return synthetic(0, 2 * RECORDS, 0.02)


@cache
def packed() -> bytes:
    """100 records as they lie in a message."""
    return bytes(PackedRing(ring(), RECORDS).slice(0, 0, RECORDS))


def batch(number: int, records: int = RECORDS) -> Batch:
    """The so-manieth batch of one agent."""
    chunk = Chunk(7, 1, number * records, records)
    return Batch(TAG + b"\0" + chunk.encode(), chunk, packed(), False, 5)
