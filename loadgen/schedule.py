"""The schedule of an open-loop swarm: every batch of every agent, in the order of its cut, computed beforehand.

Reads arrivals and batching of `loadgen.model`; the swarm plays it, the analysis computes it again from the same seeds
and refuses one whose fingerprint differs.
"""

import hashlib
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.batching import cut

#: A column of int64.
Integers: TypeAlias = NDArray[np.int64]


class Schedule(msgspec.Struct, frozen=True):
    """One row a batch, sorted by (time, agent): int64 ns since the load's start, agent, first record, record count."""

    time_ns: Integers
    agent: Integers
    first: Integers
    count: Integers

    @property
    def records(self) -> int:
        """Records of all batches together."""
        return int(self.count.sum())

    def fingerprint(self) -> str:
        """A hash of all of it: 32 hex digits."""
        digest = hashlib.blake2b(digest_size=16)
        for column in (self.time_ns, self.agent, self.first, self.count):
            digest.update(np.ascontiguousarray(column, dtype="<i8").tobytes())
        return digest.hexdigest()


def schedule(
    arrivals: OpenLoopProcess, *, seed: int, agents: int, batch_size: int, timeout_s: float, horizon_s: float
) -> Schedule:
    """All batches that `agents` agents cut until the horizon. Only for an open-loop process."""
    horizon_ns = round(horizon_s * 1e9)
    timeout_ns = round(timeout_s * 1e9)
    parts = []
    for agent in range(agents):
        flushes = cut(arrivals.draw(seed, agent, horizon_ns), batch_size, timeout_ns, horizon_ns)
        parts.append((flushes.time_ns, np.full(len(flushes.time_ns), agent), flushes.first, flushes.count))
    columns = [np.concatenate([part[at] for part in parts]).astype(np.int64) for at in range(4)]
    order = np.lexsort((columns[2], columns[1], columns[0]))
    return Schedule(*(column[order] for column in columns))
