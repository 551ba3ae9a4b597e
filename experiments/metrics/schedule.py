"""The schedule of an open-loop trial, twice: drawn again from the seeds, and as the swarm says it was played.

Both must have the fingerprint that was sealed with the result (loadgen/model/schedule.py): else the arrivals that the
analysis draws aren't those of the records that were sent.
"""

from typing import cast

import msgspec
import numpy as np

from experiments.store.record import Load
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.arrivals.registry import Arrivals
from loadgen.model.schedule import Schedule, in_order, schedule


def process(load: Load) -> OpenLoopProcess:
    """The arrivals of a load, ready to draw. Only for an open loop."""
    return cast(OpenLoopProcess, msgspec.convert(load.arrivals, Arrivals)).prepared(load.sources)


def redrawn(load: Load, seed: int) -> Schedule:
    """The schedule that load and seed give today. Only for an open loop."""
    return schedule(
        process(load),
        seed=seed,
        agents=load.agents,
        batch_size=load.batch_size,
        timeout_s=load.timeout_s,
        horizon_s=load.horizon_s,
    )


def played(batches: np.ndarray, start_mono_ns: int) -> Schedule:
    """The schedule that the swarm's log tells: every batch it cut, by the instant it was due."""
    return in_order(batches["cut_mono_ns"] - start_mono_ns, batches["agent"], batches["first"], batches["count"])
