"""The walk over a trial's records: drawn again twice, and whatever is asked of them gathered on the way by all at once.

Flow: a trial's load, batches and results -> `Records`, in pieces -> `walk` hands each piece to every `Tally`, counts first,
and over the same pieces again the values at the ranks that were found (loadgen/model/ranks.py) -> each tally tells its
figures. So what is drawn doesn't grow with the figures, and no record is held.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from experiments.metrics.response import Done, key
from experiments.metrics.schedule import Drawing
from experiments.store.record import TrialRecord
from loadgen.model.owners import owned

#: How many records the entries of a piece stand for: each of them.
Count = np.ndarray | int


class Some(NamedTuple):
    """Aligned columns, ascending by arrival (CLOCK_MONOTONIC ns): that, the place of its batch, and records."""

    arrived: np.ndarray
    batch: np.ndarray
    records: Count

    def within(self, edges: Any) -> Iterator[tuple[int, slice]]:
        """Where the entries lie between ascending edges: the number of the interval, and the entries, if any.

        Interval i is [edges[i], edges[i + 1]); what lies outside of all is left out.
        """
        places = np.searchsorted(self.arrived, edges).tolist()
        for number, (begin, end) in enumerate(pairwise(places)):
            if begin < end:
                yield number, slice(begin, end)

    def of(self, which: slice) -> Count:
        """What some of the entries stand for, each."""
        return self.records[which] if isinstance(self.records, np.ndarray) else self.records

    def counted(self, which: slice) -> int:
        """How many records some of the entries stand for together."""
        stands = self.of(which)
        return int(stands.sum()) if isinstance(stands, np.ndarray) else stands * (which.stop - which.start)


class Piece(NamedTuple):
    """Everything that arrived, one entry a record of one agent (open loop), or a batch of any (full load).

    `finished`: of those whose commit instant is known, each with its `response_ns`.
    """

    agent: int
    arrived: Some
    finished: Some
    response_ns: np.ndarray


class Tally(Protocol):
    """What gathers figures: all pieces are counted, then what ranks want is asked, then all pieces are picked from."""

    def count(self, piece: Piece) -> None:
        """First walk."""

    def want(self) -> None:
        """Between the walks."""

    def pick(self, piece: Piece) -> None:
        """Second walk, over the same pieces."""


def walk(pieces: Iterable[Piece], *tallies: Tally) -> None:
    """Goes through the pieces twice, for all tallies at once."""
    for piece in pieces:
        for one in tallies:
            one.count(piece)
    for one in tallies:
        one.want()
    for piece in pieces:
        for one in tallies:
            one.pick(piece)


class Records:
    """A trial's records, in pieces: drawn anew from the seeds each time one goes through them.

    In an open loop its schedule must be the sealed one (schedule.unlike_sealed). Under full load a batch stands for its
    records, from its cut.

    Args:
        batches: all that the swarm cut.
        timed: those analysed whose commit instant is known, some of the former.
    """

    def __init__(self, record: TrialRecord, batches: np.ndarray | Done, timed: Done) -> None:
        self._record = record
        order = np.argsort(key(batches), kind="stable")
        #: Of the batches in the order of agent and first record: what a place of a batch means.
        self.agent, self.first, self.count, self.cut_mono_ns = (
            batches[name][order] for name in ("agent", "first", "count", "cut_mono_ns")
        )
        #: Where each batch of `timed` is.
        self.timed = np.searchsorted(key(batches)[order], key(timed))
        self._committed = np.zeros(len(order), np.int64)
        self._committed[self.timed] = timed["committed_mono_ns"]

    def agents(self) -> Iterator[tuple[int, slice]]:
        """Each agent that has a batch, and the places of its batches."""
        edges = [0, *(np.flatnonzero(np.diff(self.agent)) + 1).tolist(), len(self.agent)]
        for begin, end in pairwise(edges):
            if begin < end:
                yield int(self.agent[begin]), slice(begin, end)

    def __iter__(self) -> Iterator[Piece]:
        load, start = self._record.load, self._record.start_mono_ns
        if not load.open_loop:
            batch = np.argsort(self.cut_mono_ns, kind="stable")
            yield self._piece(-1, Some(self.cut_mono_ns[batch], batch, self.count[batch]))
            return
        drawing = Drawing(load, self._record.seed)
        for agent, mine in self.agents():
            for times, owner in owned(drawing.of(agent), self.first[mine], self.count[mine]):
                yield self._piece(agent, Some(times + start, owner + mine.start, 1))

    def _piece(self, agent: int, arrived: Some) -> Piece:
        committed = self._committed[arrived.batch]
        known = committed > 0
        if known.all():
            return Piece(agent, arrived, arrived, committed - arrived.arrived)
        records = arrived.records
        finished = Some(
            arrived.arrived[known],
            arrived.batch[known],
            records[known] if isinstance(records, np.ndarray) else records,
        )
        return Piece(agent, arrived, finished, committed[known] - finished.arrived)
