"""Every response time of a trial, one by one: what curves are drawn of, where quantiles alone would hide their shape.

The same records as in the summary: drawn again from the seeds in an open loop; under full load a batch stands for its
records, from its cut. A trial may be long, so they come in pieces, and anew each time they are asked for.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from experiments.metrics.response import Done, finished, join
from experiments.metrics.schedule import Drawing
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables

#: How many records the entries of a piece stand for: each of them.
Records = np.ndarray | int

_ALWAYS = (-(2**63), 2**63 - 1)


class Observed(NamedTuple):
    """Pieces of aligned columns, one entry a record (open loop) or a batch (full load); each ascends with the arrivals.

    `finished`: arrival (CLOCK_MONOTONIC ns), response time (ns) and records, of those whose commit instant is known.
    `arrived`: arrival and records, of everything that arrived, finished or not.
    """

    finished: Callable[[], Iterator[tuple[np.ndarray, np.ndarray, Records]]]
    arrived: Callable[[], Iterator[tuple[np.ndarray, Records]]]


def observed(record: TrialRecord, tables: Tables) -> Observed:
    """The response times of a trial, over its whole length. Its schedule must be the sealed one (the summary says so)."""
    done = join(tables.batches, tables.results)
    known = done["committed_mono_ns"] > 0
    timed = Done(columns={name: column[known] for name, column in done.columns.items()})

    def ended() -> Iterator[tuple[np.ndarray, np.ndarray, Records]]:
        for arrived, owner, records in finished(record.load, record.seed, record.start_mono_ns, _ALWAYS, timed):
            yield arrived, timed["committed_mono_ns"][owner] - arrived, records

    def arrived() -> Iterator[tuple[np.ndarray, Records]]:
        if not record.load.open_loop:
            rows = tables.batches[np.argsort(tables.batches["cut_mono_ns"], kind="stable")]
            yield rows["cut_mono_ns"], rows["count"]
            return
        drawing = Drawing(record.load, record.seed)
        for agent in range(record.load.agents):
            for times in drawing.of(agent):
                yield record.start_mono_ns + times, 1

    return Observed(ended, arrived)


def cut(edges: Any, arrived: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Where the entries of a piece lie between ascending edges: the number of the interval, and the entries, if any.

    Interval i is [edges[i], edges[i + 1]); what lies outside of all is left out.
    """
    places = np.searchsorted(arrived, edges).tolist()
    for number, (begin, end) in enumerate(pairwise(places)):
        if begin < end:
            yield number, slice(begin, end)


def of(records: Records, which: slice) -> Records:
    """What some of the entries stand for."""
    return records[which] if isinstance(records, np.ndarray) else records


def counted(records: Records, which: slice) -> int:
    """How many records some of the entries stand for together."""
    return int(records[which].sum()) if isinstance(records, np.ndarray) else records * (which.stop - which.start)
