"""Mean queue lengths from the probe's samples: the L of Little's law, L = lambda W, taken from no result row.

Each queue has its own unit, arrivals and waiting time:

    figure            counts    arrivals             time in it
    queued_tasks      tasks     tasks published      published -> taken by a worker node
    held_tasks        tasks     tasks taken          taken -> started (early acknowledgement) or committed (late)
    pending_batches   batches   batches accepted     published -> committed, but for Accept's way and Finish's reply
    waiting_rows      rows      rows written         written -> taken by the recorder

With `coalesce` a task is up to so many batches, so a number of tasks says nothing of batches. Without the journal
`pending_batches` is always 0. Source: J. D. C. Little, "A Proof for the Queuing Formula L = lambda W", Operations Research 9
(1961).
"""

from typing import Final

import msgspec
import numpy as np

from experiments.metrics.samples import level

#: What the probe `queue` samples.
QUEUES: Final = ("queued_tasks", "held_tasks", "pending_batches", "waiting_rows")


class QueueLength(msgspec.Struct, frozen=True, kw_only=True):
    """One queue over an interval; its unit ends its name."""

    mean: float
    max: float
    samples: int


def queue_length(table: np.ndarray, figure: str, begin_mono_ns: int, end_mono_ns: int) -> QueueLength | None:
    """A queue's length over [begin, end), as the time average of its samples; None if there are none."""
    found = level(table, "broker", figure, begin_mono_ns, end_mono_ns)
    return None if found is None else QueueLength(mean=found.mean, max=found.max, samples=found.samples)


def queue_lengths(table: np.ndarray, begin_mono_ns: int, end_mono_ns: int) -> dict[str, QueueLength]:
    """All queues that were sampled in [begin, end)."""
    found = {figure: queue_length(table, figure, begin_mono_ns, end_mono_ns) for figure in QUEUES}
    return {figure: one for figure, one in found.items() if one is not None}
