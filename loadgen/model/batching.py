"""Batching: when the agents' buffers flush, computed with numpy from the arrival times alone.

Flow: arrival times (of one agent, or of many end to end) -> `cut`, or `Batching` block by block for long trials ->
Flushes, which the swarm only has to play: its cost is per batch, not per record.

Invariants: the same flushes as `system.agent.buffer.Buffer`, record for record (a property test holds them together):
by size at the arrival of record `batch_size`, else at the deadline, `timeout_ns` after the batch's first arrival; a
deadline at t comes before an arrival at t. At the horizon the swarm closes its buffers: what is held goes at its
deadline if that lies before the horizon, else at the horizon. How many agents, blocks or windows there are changes the
cost, never the flushes.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.process import END_NS
from loadgen.model.chain import Heads, Ints, follow


class Flushes(msgspec.Struct, frozen=True, eq=False):
    """Batches, agent by agent and in the order of their records: one array a field, all of one length.

    `time_ns`: when the batch was cut, since the trial's start. `first`: its first record's number in its agent's
    stream. `count`: its records, at least 1. `by_size`: filled (True), or cut by the deadline or the close (False).
    `agent`: its place in the `lengths` given; 0 where there is one agent.
    """

    time_ns: Ints
    first: Ints
    count: Ints
    by_size: NDArray[np.bool_]
    agent: Ints

    def __len__(self) -> int:
        """The batches."""
        return len(self.time_ns)

    def take(self, which: Ints | NDArray[np.bool_]) -> "Flushes":
        """Gives some of the batches: a mask, or places in the order wanted."""
        return Flushes(
            self.time_ns[which], self.first[which], self.count[which], self.by_size[which], self.agent[which]
        )

    def then(self, other: "Flushes") -> "Flushes":
        """Gives these batches and then the other's, agent by agent."""
        if not len(self):
            return other
        joined = Flushes(
            np.concatenate([self.time_ns, other.time_ns]),
            np.concatenate([self.first, other.first]),
            np.concatenate([self.count, other.count]),
            np.concatenate([self.by_size, other.by_size]),
            np.concatenate([self.agent, other.agent]),
        )
        return joined.take(np.argsort(joined.agent, kind="stable"))


def cut(arrivals_ns: Ints, batch_size: int, timeout_ns: int, horizon_ns: int, lengths: Ints | None = None) -> Flushes:
    """Gives every flush of a trial.

    Args:
        arrivals_ns: sorted int64 arrival times in [0, horizon_ns); of several agents end to end, each agent's sorted.
        Empty
            gives no flush.
        batch_size: records, >= 1.
        timeout_ns: from a batch's first record to its deadline, >= 1.
        horizon_ns: when the agents' buffers are closed, <= 2**62.
        lengths: the arrivals of each agent; without it all are one agent's.

    Raises:
        ValueError: an argument is outside its range, or arrivals are unsorted.
    """
    # One block and the close at once: `Batching` has the only code path there is.
    batching = Batching(batch_size, timeout_ns, 1 if lengths is None else len(lengths))
    return batching.close(horizon_ns, arrivals_ns, lengths)


class Batching:
    """The buffers of `agents` agents, fed with blocks of arrivals; what a block leaves open waits for the next.

    Between blocks it holds four numbers an agent. All blocks' flushes together are those of `cut`, in the order of
    blocks.

    Raises:
        ValueError: `batch_size`, `timeout_ns` or `agents` is below 1.
    """

    __slots__ = ("_batch_size", "_count", "_first", "_latest_ns", "_opened_ns", "_timeout_ns")

    def __init__(self, batch_size: int, timeout_ns: int, agents: int = 1) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be >= 1 record, got {batch_size}")
        if timeout_ns < 1:
            raise ValueError(
                f"timeout_ns must be >= 1 ns, got {timeout_ns}; to send each record alone give batch_size = 1"
            )
        self._batch_size = min(batch_size, END_NS)  # no agent has that many records either
        self._timeout_ns = min(timeout_ns, END_NS)  # a deadline after END_NS never comes, so this changes no flush
        self._latest_ns = np.zeros(agents, np.int64)  # no arrival may come before this
        self._opened_ns = np.zeros(agents, np.int64)  # arrival of the open batch's first record, if it has one
        self._first = np.zeros(agents, np.int64)  # that record's number, or the next one's
        self._count = np.zeros(agents, np.int64)  # records in the open batch

    def push(self, arrivals_ns: Ints, lengths: Ints | None = None, until_ns: int | None = None) -> Flushes:
        """Adds each agent's next arrivals, and gives the flushes that are certain with them.

        Args:
            arrivals_ns: as for `cut`, and not before those of earlier blocks.
            lengths: as for `cut`.
            until_ns: all arrivals before it are in, and the next block has those from it on: so every deadline up to
                it has come. Without it, only a later arrival of the same agent shows that a deadline came.
        """
        return self._push(arrivals_ns, lengths, until_ns, closing=False)

    def close(self, horizon_ns: int, arrivals_ns: Ints | None = None, lengths: Ints | None = None) -> Flushes:
        """Gives the last flushes: of a last block, if there is one, and of the buffers, closed at `horizon_ns`."""
        if arrivals_ns is None:
            arrivals_ns, lengths = np.empty(0, np.int64), np.zeros(len(self._count), np.int64)
        return self._push(arrivals_ns, lengths, horizon_ns, closing=True)

    def _push(self, arrivals_ns: Ints, lengths: Ints | None, until_ns: int | None, *, closing: bool) -> Flushes:
        lengths = np.array([len(arrivals_ns)], np.int64) if lengths is None else lengths
        self._check(arrivals_ns, lengths, until_ns)
        known_ns = -1 if until_ns is None else until_ns
        busy = np.flatnonzero(lengths)
        all_ends = np.cumsum(lengths)
        begins = (all_ends - lengths)[busy]
        ends = all_ends[busy]

        alone = self._flush_alone(arrivals_ns[begins], busy, known_ns, closing)
        going_on = self._count[busy] > 0
        agents = busy[going_on]
        heads = Heads(
            begins[going_on], self._opened_ns[agents] + self._timeout_ns, self._batch_size - self._count[agents]
        )
        starts = follow(arrivals_ns, begins, self._batch_size, self._timeout_ns, heads)

        # `starts` holds every agent's first arrival: there begins a new batch, or the open one goes on.
        firsts = np.searchsorted(starts, begins)
        flush_counts = np.diff(firsts, append=len(starts))
        stops = np.append(starts[1:], len(arrivals_ns))[: len(starts)]
        agent = np.repeat(busy, flush_counts)
        first = starts + np.repeat(self._first[busy] + self._count[busy] - begins, flush_counts)
        count = stops - starts
        opened_ns = arrivals_ns[starts]
        continued = firsts[going_on]
        first[continued] = self._first[agents]
        count[continued] += self._count[agents]
        opened_ns[continued] = self._opened_ns[agents]

        by_size = count == self._batch_size
        time_ns = np.where(by_size, arrivals_ns[stops - 1], opened_ns + self._timeout_ns)
        self._latest_ns[busy] = arrivals_ns[ends - 1]
        self._first[busy] += self._count[busy] + lengths[busy]
        self._count[busy] = 0
        certain = np.ones(len(starts), np.bool_)
        if closing:
            np.minimum(time_ns, known_ns, out=time_ns)
        else:
            # Only an agent's last batch can be open: each other was filled, or ended before a later arrival.
            last = firsts + flush_counts - 1
            left = ~by_size[last] & (time_ns[last] > known_ns)
            last, agents = last[left], busy[left]
            certain[last] = False
            self._opened_ns[agents] = opened_ns[last]
            self._first[agents] = first[last]
            self._count[agents] = count[last]
        np.maximum(self._latest_ns, known_ns, out=self._latest_ns)
        flushes = Flushes(time_ns, first, count, by_size, agent)
        return alone.then(flushes if certain.all() else flushes.take(certain))

    def _flush_alone(self, next_ns: Ints, busy: Ints, known_ns: int, closing: bool) -> Flushes:
        """Gives the open batches that end without a record of this block, and takes them out of the buffers.

        `next_ns`: the first new arrivals of the agents `busy`. For the others there is none before `known_ns`.
        """
        later_ns = np.full(len(self._count), END_NS * 2 - 1 if closing else known_ns, np.int64)
        later_ns[busy] = next_ns
        deadlines_ns = self._opened_ns + self._timeout_ns
        ending = deadlines_ns <= later_ns
        if closing:
            np.minimum(deadlines_ns, known_ns, out=deadlines_ns)
        agent = np.flatnonzero(ending & (self._count > 0))
        count = self._count[agent]
        first = self._first[agent]
        self._first[agent] += count
        self._count[agent] = 0
        return Flushes(deadlines_ns[agent], first, count, np.zeros(len(agent), np.bool_), agent)

    def _check(self, arrivals_ns: Ints, lengths: Ints, until_ns: int | None) -> None:
        """Refuses arrivals that aren't sorted for each agent, or are not between the blocks' bounds."""
        if arrivals_ns.dtype != np.int64:
            raise ValueError(f"arrivals_ns must be int64 nanoseconds, got {arrivals_ns.dtype}")
        if len(lengths) != len(self._count) or (lengths < 0).any() or lengths.sum() != len(arrivals_ns):
            raise ValueError(
                f"lengths must give the arrivals of each of {len(self._count)} agents, {len(arrivals_ns)} in all, got"
                f" {len(lengths)} with a sum of {lengths.sum()}"
            )
        if until_ns is not None and not 0 <= until_ns <= END_NS:
            raise ValueError(f"the horizon must be between 0 and {END_NS} ns (146 years), got {until_ns}")
        if not len(arrivals_ns):
            return
        busy = np.flatnonzero(lengths)
        begins = (np.cumsum(lengths) - lengths)[busy]
        falls = np.flatnonzero(arrivals_ns[1:] < arrivals_ns[:-1]) + 1
        at_begin = np.zeros(len(arrivals_ns), np.bool_)
        at_begin[begins] = True
        if not at_begin[falls].all():
            place = int(falls[~at_begin[falls]][0])
            raise ValueError(
                f"arrivals must be sorted for each agent, got {arrivals_ns[place]} after {arrivals_ns[place - 1]}"
                f" (place {place})"
            )
        early = arrivals_ns[begins] < self._latest_ns[busy]
        if early.any():
            place = int(np.flatnonzero(early)[0])
            raise ValueError(
                f"arrivals must not be before those of earlier blocks and their until_ns, {self._latest_ns[busy][place]}"
                f" ns, got {arrivals_ns[begins][place]} (agent {busy[place]})"
            )
        end_ns = END_NS if until_ns is None else until_ns
        latest_ns = int(arrivals_ns.max())
        if latest_ns >= end_ns:
            raise ValueError(
                f"arrivals must be before the horizon, {end_ns} ns, got {latest_ns}; leave out the later ones"
            )
