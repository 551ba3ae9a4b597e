"""Response times from each record's arrival, and their split by stage.

    arrival -> cut -> sent -> published -> started -> fetched -> scanned -> committed
         batch_wait  send_lag  ingest  queue_wait  fetch     scan      commit

Every record of a batch shares the instants from the cut on, so the stages are weighted by records, and only batch_wait
and the response time need the arrivals: drawn again from the seeds in an open loop; under a full-load mode a record
arrives when its batch is cut, and the latency is that of the window.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from experiments.metrics.quantiles import Quantiles, quantiles, told, want
from experiments.metrics.schedule import Drawing
from experiments.store.record import Load
from loadgen.model.owners import owned
from loadgen.model.ranks import Ranks

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
    place = np.searchsorted(_key(sorted_batches), _key(kept))
    place = np.minimum(place, max(len(sorted_batches) - 1, 0))
    match = np.zeros(0, dtype=bool) if not len(sorted_batches) else _key(sorted_batches)[place] == _key(kept)
    match = match & (sorted_batches["sent_mono_ns"][place] > 0) if len(match) else np.zeros(len(kept), dtype=bool)
    mine, theirs = sorted_batches[place[match]], kept[match]
    columns = {name: mine[name] for name in ("agent", "first", "count", "cut_mono_ns", "sent_mono_ns")}
    columns |= {name: theirs[name] for name in theirs.dtype.names or () if name.endswith("_mono_ns")}
    columns |= {name: theirs[name] for name in ("packed_bytes", "node")}
    return Done(columns=columns)


def _key(rows: np.ndarray) -> np.ndarray:
    key: np.ndarray = (rows["agent"] << 40) + rows["first"]
    return key


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


def finished(
    load: Load, seed: int, start_mono_ns: int, window: tuple[int, int], done: Done
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | int]]:
    """Of those that arrived within `window`, in pieces: arrival, the index in `done`, and how many records it stands for.

    In an open loop one entry a record; under full load a batch stands for its records, from its cut. Each piece ascends.
    """
    if load.open_loop:
        for arrived, owner in arrivals(load, seed, start_mono_ns, done):
            begin, end = np.searchsorted(arrived, window)
            yield arrived[begin:end], owner[begin:end], 1
    else:
        owner = np.argsort(done["cut_mono_ns"], kind="stable")
        begin, end = np.searchsorted(done["cut_mono_ns"][owner], window)
        owner = owner[begin:end]
        yield done["cut_mono_ns"][owner], owner, done["count"][owner]


class ResponseTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles in seconds: the response time, and each stage (weighted by records)."""

    response: Quantiles
    stages: dict[str, Quantiles]


def arrived_within(
    load: Load,
    seed: int,
    start_mono_ns: int,
    window: tuple[int, int],
    batches: np.ndarray,
    agents: range | None = None,
) -> int:
    """How many records arrived within `window`, finished or not: of all agents, or in an open loop of some.

    In an open loop drawn again from the seeds; under full load those of the batches that the swarm cut in it.
    """
    if not load.open_loop:
        inside = (batches["cut_mono_ns"] >= window[0]) & (batches["cut_mono_ns"] < window[1])
        return int(batches["count"][inside].sum())
    drawing = Drawing(load, seed)
    edges = np.array(window) - start_mono_ns
    found = (np.searchsorted(times, edges) for agent in agents or range(load.agents) for times in drawing.of(agent))
    return sum(int(after - before) for before, after in found)


def response_times(
    load: Load, seed: int, start_mono_ns: int, window: tuple[int, int], done: Done, arrived_count: int
) -> ResponseTimes:
    """Of the records that arrived within `window`, `arrived_count` in all: those that didn't finish count as slowest."""
    response, batch_wait, records = Ranks(), Ranks(), np.zeros(len(done), np.int64)
    where = (load, seed, start_mono_ns, window, done)
    for arrived, owner, weight in finished(*where):
        response.count(done["committed_mono_ns"][owner] - arrived, weight)
        batch_wait.count(done["cut_mono_ns"][owner] - arrived, weight)
        np.add.at(records, owner, weight)
    unfinished = arrived_count - int(records.sum())
    want(response, unfinished)
    want(batch_wait)
    for arrived, owner, weight in finished(*where):
        response.pick(done["committed_mono_ns"][owner] - arrived, weight)
        batch_wait.pick(done["cut_mono_ns"][owner] - arrived, weight)
    split = {"batch_wait": told(batch_wait)}
    split |= {name: quantiles(value, records, unfinished) for name, value in stages(done).items()}
    return ResponseTimes(response=told(response, unfinished), stages=split)
