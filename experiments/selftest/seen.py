"""A scene as played: its sealed record and tables, its summary, and the columns that the checks compute with.

Durations and instants become float seconds since the load's start here.
"""

from functools import cached_property
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from experiments.metrics.response import first_results
from experiments.metrics.trial import TrialSummary, summarise
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables
from system.engine.service_time import service_times_s
from system.settings import Emulated

Floats = NDArray[np.float64]

#: Reasons of validity that are the machine's mood and no check's subject. What they disturb widens a check's interval.
MOODS = ("send lag", "swarm CPU", "steady state", "trend")


class Tasks(NamedTuple):
    """The tasks of a scene in the order of their publishing: instants in s since the load's start, one entry a task.

    `drawn_s`: the service time, drawn again from the seed. `free`: when the child that took it had ended its task before.
    """

    published: Floats
    started: Floats
    fetched: Floats
    scanned: Floats
    committed: Floats
    drawn_s: Floats
    free: Floats

    def __len__(self) -> int:
        """The tasks."""
        return len(self.published)


class Seen:
    """One scene's trial, sealed."""

    def __init__(self, record: TrialRecord, tables: Tables) -> None:
        self.record = record
        self.tables = tables

    @cached_property
    def summary(self) -> TrialSummary:
        """What summary.json would say of it."""
        return summarise(self.record, self.tables)

    @property
    def window_s(self) -> float:
        """The window's length."""
        begin, end = self.record.window
        return (end - begin) / 1e9

    @property
    def faults(self) -> list[str]:
        """Why the trial is invalid, but for the machine's moods."""
        return [one for one in self.summary.reasons if one.partition(":")[0] not in MOODS]

    @property
    def moods(self) -> list[str]:
        """The rest of the reasons."""
        return [one for one in self.summary.reasons if one.partition(":")[0] in MOODS]

    def since_start(self, mono_ns: Any) -> Floats:
        """Instants of CLOCK_MONOTONIC as seconds since the load's start."""
        return np.asarray((np.asarray(mono_ns) - self.record.start_mono_ns) / 1e9, np.float64)

    @cached_property
    def tasks(self) -> Tasks:
        """Every analysed batch, each a task of its own."""
        rows = self.tables.results[first_results(self.tables.results)]
        rows = rows[rows["committed_mono_ns"] > 0]
        rows = rows[np.argsort(rows["published_mono_ns"], kind="stable")]
        emulated = msgspec.convert(self.record.config["system"]["emulated"], Emulated)
        at = {name: self.since_start(rows[f"{name}_mono_ns"]) for name in Tasks._fields[:5]}
        return Tasks(
            **at,
            drawn_s=service_times_s(emulated, rows["agent"], rows["first"], rows["records"]),
            free=_before(rows["writer"], at["started"], at["committed"]),
        )

    @property
    def children(self) -> int:
        """Servers."""
        return cast(int, self.record.target["worker_concurrency"])


def _before(writer: np.ndarray, started: Floats, committed: Floats) -> Floats:
    """When each task's child had committed the task before it; -inf for its first."""
    free = np.full(len(writer), -np.inf)
    for one in np.unique(writer):
        mine = np.flatnonzero(writer == one)
        mine = mine[np.argsort(started[mine], kind="stable")]
        free[mine[1:]] = committed[mine[:-1]]
    return free
