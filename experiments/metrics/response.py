"""The batches that were analysed, each with the instants of its first result, and the stages between these.

    arrival -> cut -> sent -> published -> started -> fetched -> scanned -> committed
         batch_wait  send_lag  ingest  queue_wait  fetch     scan      commit

Every record of a batch shares the instants from the cut on; only batch_wait and the response time need the arrivals
(walk.py, response_times.py).
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from experiments.metrics.schedule import Drawing
from experiments.store.record import Load
from experiments.store.tables import Tables
from loadgen.model.owners import owned

#: Stages after batch_wait: name, the instant that begins it, the instant that ends it.
STAGES: Final = (
    ("send_lag", "cut_mono_ns", "sent_mono_ns"),
    ("ingest", "sent_mono_ns", "published_mono_ns"),
    ("queue_wait", "published_mono_ns", "started_mono_ns"),
    ("fetch", "started_mono_ns", "fetched_mono_ns"),
    ("scan", "fetched_mono_ns", "scanned_mono_ns"),
    ("commit", "scanned_mono_ns", "committed_mono_ns"),
)


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The batches that were analysed, each with its first result: aligned columns by name, ns of CLOCK_MONOTONIC."""

    columns: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["agent"])


def first_results(results: np.ndarray) -> np.ndarray:
    """The indices of the rows that count: own, analysed, and the first to be committed of their batch.

    A commit whose instant nobody shipped was not before its scan's end, and is placed there.
    """
    candidates = np.flatnonzero(results["own"] & results["analysed"])
    committed = results["committed_mono_ns"][candidates]
    committed = np.where(committed > 0, committed, results["scanned_mono_ns"][candidates])
    order = np.lexsort((committed, results["first"][candidates], results["agent"][candidates]))
    candidates = candidates[order]
    if not len(candidates):
        return candidates
    agent, first = results["agent"][candidates], results["first"][candidates]
    new = np.concatenate(([True], (np.diff(agent) != 0) | (np.diff(first) != 0)))
    return candidates[new]


def join(batches: np.ndarray, results: np.ndarray) -> Done:
    """Each batch that was sent and analysed, with the instants of its first result."""
    kept = results[first_results(results)]
    order = np.lexsort((batches["first"], batches["agent"]))
    sorted_batches = batches[order]
    # Two integer columns as one sortable key: record numbers stay below 2**40 (intervals.py).
    cut, mine = key(sorted_batches), key(kept)
    place = np.minimum(np.searchsorted(cut, mine), max(len(cut) - 1, 0))
    match = cut[place] == mine if len(cut) else np.zeros(0, dtype=bool)
    match = match & (sorted_batches["sent_mono_ns"][place] > 0) if len(match) else np.zeros(len(kept), dtype=bool)
    sent, theirs = sorted_batches[place[match]], kept[match]
    columns = {name: sent[name] for name in ("agent", "first", "count", "cut_mono_ns", "sent_mono_ns")}
    columns |= {name: theirs[name] for name in theirs.dtype.names or () if name.endswith("_mono_ns")}
    columns |= {name: theirs[name] for name in ("packed_bytes", "node")}
    return Done(columns=columns)


def timed(tables: Tables) -> Done:
    """Those of them whose commit instant is known."""
    done = join(tables.batches, tables.results)
    known = done["committed_mono_ns"] > 0
    return Done(columns={name: column[known] for name, column in done.columns.items()})


def key(rows: "np.ndarray | Done") -> np.ndarray:
    """What names each row's batch, and ascends with agent and first record."""
    found: np.ndarray = (rows["agent"] << 40) + rows["first"]
    return found


def stages(done: Done) -> dict[str, np.ndarray]:
    """Durations in ns by stage name, from send_lag to commit: one entry a batch."""
    return {name: done[end] - done[begin] for name, begin, end in STAGES}


def arrivals(load: Load, seed: int, start_mono_ns: int, done: Done) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """When each analysed record arrived (ns, CLOCK_MONOTONIC), and the index in `done` of its batch: in ascending pieces.

    Only for an open loop: drawn again from the seeds, agent by agent.
    """
    drawing = Drawing(load, seed)
    order = np.lexsort((done["first"], done["agent"]))
    for mine in np.split(order, np.flatnonzero(np.diff(done["agent"][order])) + 1):
        if len(mine):
            stream = drawing.of(int(done["agent"][mine[0]]))
            for times, owner in owned(stream, done["first"][mine], done["count"][mine]):
                yield start_mono_ns + times, mine[owner]
