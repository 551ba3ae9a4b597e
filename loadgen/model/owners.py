"""Owners: which batch each record of an agent is in, piece by piece of its arrivals.

Flow: an agent's arrivals in pieces (`process.Stream`), its batches -> for each piece the arrivals of the records that are in
a batch, and the batch's place. A batch may lie in several pieces.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from loadgen.model.arrivals.process import Times
from loadgen.model.ranks import Integers


def owned(pieces: Iterable[Times], first: Integers, count: Integers) -> Iterator[tuple[Times, Integers]]:
    """Arrivals of records and the places of their batches, as far as a record is in one.

    Args:
        pieces: the agent's arrivals from its record 0 on.
        first, count: the agent's batches, ascending and without a common record.
    """
    end = first + count
    begin_at = 0
    for times in pieces:
        end_at = begin_at + len(times)
        low, high = int(np.searchsorted(end, begin_at, "right")), int(np.searchsorted(first, end_at, "left"))
        begins = np.maximum(first[low:high], begin_at) - begin_at
        ends = np.minimum(end[low:high], end_at) - begin_at
        # What is in no batch and what is in one, in turn: the gap before each batch, and the batch.
        runs = np.stack([begins - np.append(0, ends)[:-1], ends - begins], axis=1).ravel()
        inside = np.zeros(len(times), np.bool_)
        inside[: runs.sum()] = np.repeat(np.arange(len(runs)) % 2 > 0, runs)
        yield times[inside], np.repeat(np.arange(low, high), ends - begins)
        begin_at = end_at
