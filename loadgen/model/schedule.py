"""The schedule of an open-loop swarm: every batch of every agent, in the order of its cut, computed beforehand.

From arrivals and batching alone: the swarm plays it, and the analysis computes it again from the same seeds and
refuses a result whose sealed fingerprint differs.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.batching import Batching, Flushes
from loadgen.model.fleet import AgentClass, numbers, process_of

#: Records whose batches are cut at once. A call an agent (10,000) took 2 s more (2-core EPYC); one for all, memory.
CUT_RECORDS = 1_000_000

#: A column of int64.
Integers: TypeAlias = NDArray[np.int64]

#: time_ns, agent, first, count: of some batches.
Columns: TypeAlias = tuple[Integers, Integers, Integers, Integers]

_NONE: Final = np.empty(0, np.int64)


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
    whole = range(agents)
    parts = _flushes(arrivals.prepared(sources or {}), seed, whole, batch_size, timeout_s, horizon_s)
    return in_order(*_joined(parts))


def of_fleet(
    classes: Sequence[AgentClass],
    *,
    seed: int,
    horizon_s: float,
    sources: Mapping[str, bytes] | None = None,
    agents_per_connection: int = 1,
    processes: int = 1,
    process: int = 0,
) -> Schedule:
    """All batches that a fleet's agents cut until the horizon, or those of the agents that one of its processes plays.

    For one class the same as `schedule`. Raises: as `schedule`; TypeError if a class is no open loop.
    """
    parts = batches(
        classes, seed=seed, horizon_s=horizon_s, sources=sources, agents_per_connection=agents_per_connection,
        processes=processes, process=process,
    )  # fmt: skip
    return in_order(*_joined(parts))


def batches(
    classes: Sequence[AgentClass],
    *,
    seed: int,
    horizon_s: float,
    sources: Mapping[str, bytes] | None = None,
    agents_per_connection: int = 1,
    processes: int = 1,
    process: int = 0,
) -> Iterator[Columns]:
    """The same in parts, of some agents each, and not in order. Raises: as `of_fleet`."""
    for one, numbered in zip(classes, numbers(classes), strict=True):
        if not isinstance(one.arrivals, OpenLoopProcess):
            raise TypeError(f"class {one.name!r} must have an open loop's arrivals, got {type(one.arrivals).__name__}")
        whole = np.arange(numbered.start, numbered.stop)
        mine = whole[process_of(whole, agents_per_connection, processes) == process]
        ready = one.arrivals.prepared(sources or {})
        yield from _flushes(ready, seed, mine.tolist(), one.batch_size, one.timeout_s, horizon_s)


def _flushes(
    process: OpenLoopProcess, seed: int, agents: Sequence[int], batch_size: int, timeout_s: float, horizon_s: float
) -> Iterator[Columns]:
    """The batches of the agents with these numbers, in parts: no more than some CUT_RECORDS arrivals are held at once."""
    horizon_ns = round(horizon_s * 1e9)
    timeout_ns = round(timeout_s * 1e9)
    together = max(1, int(CUT_RECORDS // max(1.0, process.expected_records(horizon_ns))))
    for begin in range(0, len(agents), together):
        names = np.array(agents[begin : begin + together], np.int64)
        batching = Batching(batch_size, timeout_ns, len(names))
        streams = [process.pieces(seed, agent, horizon_ns) for agent in names.tolist()]
        rounds = zip_longest(*streams, fillvalue=_NONE)
        last = next(rounds)
        for following in rounds:
            yield _named(names, batching.push(*_block(last)))
            last = following
        yield _named(names, batching.close(horizon_ns, *_block(last)))


def _block(pieces: Sequence[Integers]) -> tuple[Integers, Integers]:
    return np.concatenate(pieces), np.array([len(one) for one in pieces], np.int64)


def _named(names: Integers, flushes: Flushes) -> Columns:
    return flushes.time_ns, names[flushes.agent], flushes.first, flushes.count


def _joined(parts: Iterable[Columns]) -> Columns:
    time_ns, agent, first, count = zip((_NONE,) * 4, *parts, strict=True)
    return np.concatenate(time_ns), np.concatenate(agent), np.concatenate(first), np.concatenate(count)


def in_order(time_ns: Integers, agent: Integers, first: Integers, count: Integers) -> Schedule:
    """The schedule of these batches, given in any order: also what a swarm's log says was played."""
    order = np.lexsort((first, agent, time_ns))
    return Schedule(time_ns[order], agent[order], first[order], count[order])
