"""The schedule of an open-loop swarm: every batch of every agent, in the order of its cut, computed beforehand.

From arrivals and batching alone: the swarm plays it, and the analysis computes it again from the same seeds and
refuses a result whose sealed fingerprint differs.
"""

import hashlib
from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.batching import cut

#: Records whose batches are cut at once. A call an agent (10,000) took 2 s more (2-core EPYC); one for all, memory.
CUT_RECORDS = 1_000_000

#: A column of int64.
Integers: TypeAlias = NDArray[np.int64]


class Schedule(msgspec.Struct, frozen=True, eq=False):
    """One row a batch, sorted by (time, agent, first): int64 ns since the load's start, agent, first record, record count."""

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
    arrivals: OpenLoopProcess,
    *,
    seed: int,
    agents: int,
    batch_size: int,
    timeout_s: float,
    horizon_s: float,
    sources: Mapping[str, bytes] | None = None,
) -> Schedule:
    """All batches that `agents` agents cut until the horizon. Only for an open-loop process.

    `sources`: what the process read from files when the load was made; without it they are read now.

    Raises: ValueError if an argument is below 1, the timeout below 1 ns, or a file can't be read.
    """
    if agents < 1:
        raise ValueError(f"agents must be >= 1, got {agents}")
    horizon_ns = round(horizon_s * 1e9)
    timeout_ns = round(timeout_s * 1e9)
    process = arrivals.prepared(sources or {})
    parts = []
    drawn: list[Integers] = []
    held = 0
    for agent in range(agents):
        drawn.append(process.draw(seed, agent, horizon_ns))
        held += len(drawn[-1])
        if held < CUT_RECORDS and agent < agents - 1:
            continue
        lengths = np.array([len(one) for one in drawn], np.int64)
        flushes = cut(np.concatenate(drawn), batch_size, timeout_ns, horizon_ns, lengths)
        parts.append((flushes.time_ns, flushes.agent + (agent + 1 - len(drawn)), flushes.first, flushes.count))
        drawn, held = [], 0
    return in_order(*(np.concatenate([part[at] for part in parts]) for at in range(4)))


def in_order(time_ns: Integers, agent: Integers, first: Integers, count: Integers) -> Schedule:
    """The schedule of these batches, given in any order: also what a swarm's log says was played."""
    order = np.lexsort((first, agent, time_ns))
    return Schedule(time_ns[order], agent[order], first[order], count[order])
