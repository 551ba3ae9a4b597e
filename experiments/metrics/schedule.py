"""The schedule of an open-loop trial, twice: drawn again from the seeds, and as the swarm says it was played.

Both must have the fingerprint that was sealed with the result (loadgen/model/schedule.py): else the arrivals that the
analysis draws aren't those of the records that were sent.
"""

from bisect import bisect_right
from typing import cast

import msgspec
import numpy as np

from experiments.store.record import Load, TrialRecord
from loadgen.model.arrivals.process import OpenLoopProcess, Stream
from loadgen.model.arrivals.registry import Arrivals
from loadgen.model.fleet import AgentClass, numbers
from loadgen.model.schedule import Schedule, in_order, of_fleet


def fleet(load: Load) -> tuple[AgentClass, ...]:
    """The agents of a load in classes: one class where all are alike."""
    if load.classes:
        return tuple(msgspec.convert(one, AgentClass) for one in load.classes)
    alike = AgentClass(
        name="all",
        agents=load.agents,
        arrivals=msgspec.convert(load.arrivals, Arrivals),
        batch_size=load.batch_size,
        timeout_s=load.timeout_s,
        pause_s=load.pause_s,
    )
    return (alike,)


class Drawing:
    """The arrivals of a load's agents, drawn again from its seed. Only for an open loop."""

    def __init__(self, load: Load, seed: int) -> None:
        classes = fleet(load)
        self._processes = [cast(OpenLoopProcess, one.arrivals).prepared(load.sources) for one in classes]
        self._ends = [numbered.stop for numbered in numbers(classes)]
        self._seed = seed
        self._horizon_ns = round(load.horizon_s * 1e9)

    def of(self, agent: int) -> Stream:
        """When this agent's records arrive, ns since the load's start, in pieces."""
        process = self._processes[bisect_right(self._ends, agent)]
        return Stream(process, self._seed, agent, self._horizon_ns)


def redrawn(load: Load, seed: int) -> Schedule:
    """The schedule that load and seed give today. Only for an open loop."""
    return of_fleet(fleet(load), seed=seed, horizon_s=load.horizon_s, sources=load.sources)


def played(batches: np.ndarray, start_mono_ns: int) -> Schedule:
    """The schedule that the swarm's log tells: every batch it cut, by the instant it was due."""
    return in_order(batches["cut_mono_ns"] - start_mono_ns, batches["agent"], batches["first"], batches["count"])


def unlike_sealed(record: TrialRecord, batches: np.ndarray) -> list[str]:
    """Why an open loop's schedule, drawn again or as played, isn't the one that was sealed; empty if it is."""
    if not record.load.open_loop:
        return []
    sealed = record.load.fingerprint
    again = redrawn(record.load, record.seed).fingerprint()
    if again != sealed:
        return [f"the seeds give {again} today and gave {sealed}: analyse it with the version that made it"]
    if played(batches, record.start_mono_ns).fingerprint() != sealed:
        return [f"the swarm cut other batches, or at other times, than the schedule {sealed} says"]
    return []
