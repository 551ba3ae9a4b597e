"""The packed ring: the ring's records rendered once as Forward entries, so that a batch is a slice sent without copying.

Each record's EventTime is fixed at rendering (the same config and seed give the same bytes on the wire); response times
don't use it, they count from the arrivals that the seeds give (docs/adr/0004).
"""

from typing import Final

import numpy as np

from loadgen.model.records.ring import Ring
from loadgen.model.truth import offset
from system.wire.packing import pack_record

#: EventTime of ring record 0: 2026-01-01T00:00:00Z. The others follow by one millisecond each.
FIRST_UNIX_NS: Final = 1_767_225_600_000_000_000
STEP_NS: Final = 1_000_000


class PackedRing:
    """Ring records back to back, with the first `longest_batch` of them again at the end: every batch is contiguous."""

    def __init__(self, ring: Ring, longest_batch: int) -> None:
        packed = [pack_record(FIRST_UNIX_NS + at * STEP_NS, line) for at, line in enumerate(ring.lines)]
        self.size = len(packed)
        repeats = -(-(self.size + longest_batch) // self.size)
        whole = (packed * repeats)[: self.size + longest_batch]
        self._bytes = memoryview(b"".join(whole))
        self._edges: list[int] = np.concatenate(
            ([0], np.cumsum(np.fromiter(map(len, whole), dtype=np.int64, count=len(whole))))
        ).tolist()

    def slice(self, agent: int, first: int, count: int) -> memoryview:
        """The packed records `first` to `first + count` of an agent's stream. `count` is at most `longest_batch`."""
        start = (offset(agent, self.size) + first) % self.size
        return self._bytes[self._edges[start] : self._edges[start + count]]
