"""Hand-made tables and records of trials, for the tests of everything that reads sealed results."""

from typing import Any

import numpy as np

from experiments.store.record import Load, TrialRecord
from experiments.store.tables import BATCHES, HITS, RESULTS, Tables

#: Columns of a table of batches that still wait in the system.
LEFT = np.dtype([("agent", "<i8"), ("first", "<i8"), ("count", "<i8")])


def table(dtype: np.dtype[Any], rows: tuple[dict[str, Any], ...]) -> np.ndarray:
    """Rows as a structured array; a column that a row doesn't name is 0."""
    found = np.zeros(len(rows), dtype)
    for place, row in enumerate(rows):
        for name, value in row.items():
            found[name][place] = value
    return found


def batch(agent: int, first: int, count: int, *, sent: int = 2, acked: int = 3, **more: Any) -> dict[str, Any]:
    """A batch that was cut at 1, sent at 2 and acknowledged at 3, unless told otherwise."""
    return {
        "agent": agent,
        "first": first,
        "count": count,
        "cut_mono_ns": 1,
        "sent_mono_ns": sent,
        "acked_mono_ns": acked,
        **more,
    }


def result(agent: int, first: int, count: int, **more: Any) -> dict[str, Any]:
    """The result row of a batch of this trial's swarm, analysed and committed at 9, unless told otherwise."""
    return {
        "own": True,
        "analysed": True,
        "agent": agent,
        "first": first,
        "count": count,
        "records": count,
        "committed_mono_ns": 9,
        **more,
    }


def dead(agent: int, first: int, count: int, **more: Any) -> dict[str, Any]:
    """The row of a batch that was given up."""
    return result(agent, first, count, **{"analysed": False, "dead": True, "records": 0, **more})


def batches(*rows: dict[str, Any]) -> np.ndarray:
    """The swarm's table."""
    return table(BATCHES, rows)


def results(*rows: dict[str, Any]) -> np.ndarray:
    """The table of result rows."""
    return table(RESULTS, rows)


def hits(*rows: tuple[int, int, int]) -> np.ndarray:
    """The table of hits: (result, record, signature)."""
    return np.array(list(rows), HITS) if rows else np.empty(0, HITS)


def left(*rows: tuple[int, int, int]) -> np.ndarray:
    """Batches that still wait: (agent, first, count)."""
    return np.array(list(rows), LEFT) if rows else np.empty(0, LEFT)


def load(**more: Any) -> Load:
    """What a full-load swarm of two agents was told; real log lines, so that no ground truth is computed."""
    return Load(
        **{
            "arrivals": {"kind": "saturate"},
            "open_loop": False,
            "agents": 2,
            "batch_size": 10,
            "timeout_s": 0.5,
            "pause_s": 0.0,
            "horizon_s": 1.0,
            "records": {"source": "files", "paths": ["x.log"], "ring_size": 64, "attack_ratio": 0.0, "mix": {}},
            **more,
        }
    )


def record(**more: Any) -> TrialRecord:
    """A trial's record in which nothing went wrong and nothing was carried."""
    return TrialRecord(
        **{
            "index": 0,
            "block": 0,
            "cell_index": 0,
            "cell": {},
            "replicate": 0,
            "seed": 1,
            "epoch": 5,
            "load": load(),
            "config": {},
            "window": (0, 1_000_000_000),
            "probes": {},
            **more,
        }
    )


def tables(cut: np.ndarray, rows: np.ndarray, found: np.ndarray | None = None) -> Tables:
    """A trial's tables."""
    return Tables(cut, rows, hits() if found is None else found)
