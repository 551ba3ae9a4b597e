"""Waiting times against the recursion: Lindley's for one worker child, Kiefer's and Wolfowitz's for two.

Arrivals are the publishing instants; the service of a task is what was drawn for it, plus all the measured time its child
spent on it beside that (fetch, commit, a late wake-up: never less than nothing, so that a service drawn with another seed is
not explained away). Between two services a child needs Celery's turnaround (from its commit to its next start): each task's
own where it waited. A task that finds a child idle waits Celery's mean dispatch. What is compared is the mean wait; interval
from the differences task by task, which are free of the chance in arrivals and services: theory alone scatters by tens of
percent over so few tasks.

Celery serves first come, first served here: the queue is a list, one node takes from it in order and hands each task to the
child that is free first (`-O fair`, its default), and nothing is retried. With several nodes, each with tasks of its own
prefetched, that wouldn't hold, and these theories wouldn't apply.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared, half_width
from experiments.selftest.seen import Floats, Seen, Tasks
from experiments.stats.queueing import kiefer_wolfowitz, md1_wait, mmc_wait

#: What the recursion leaves out: the spread of the dispatch, of which it has the mean, and which child a task is given to.
ALLOWED_RATIO, SHARP_RATIO = 0.02, 0.1


def predicted(tasks: Tasks, servers: int) -> Floats:
    """The wait of each task by the recursion, seconds."""
    dispatch_s, turnaround_s = overheads(tasks)
    busy = tasks.committed - tasks.started
    beside = np.maximum(busy - tasks.drawn_s, (tasks.fetched - tasks.started) + (tasks.committed - tasks.scanned))
    # The turnaround of a task that waited is its own; one that didn't has none of its own, should the recursion let it wait.
    waited = tasks.free > tasks.published
    setups = np.where(waited, tasks.started - np.where(waited, tasks.free, 0.0), turnaround_s)
    return kiefer_wolfowitz(tasks.published + dispatch_s, tasks.drawn_s + beside, servers, setups) + dispatch_s


def overheads(tasks: Tasks) -> tuple[float, float]:
    """Celery's mean dispatch (published to started, a child being idle) and turnaround (a commit to the next start)."""
    waited = tasks.free > tasks.published
    known = np.isfinite(tasks.free)
    turnaround = (tasks.started - tasks.free)[waited]
    # Only a task that came well after its child was free found it idle: the child needs its turnaround first.
    settled = known & ~waited & (tasks.published - np.where(known, tasks.free, 0.0) > 0.005)
    dispatch = (tasks.started - tasks.published)[settled]
    return (float(np.mean(each)) if len(each) else 0.0 for each in (dispatch, turnaround))  # type: ignore[return-value]


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    for name, seen in scenes.items():
        tasks = seen.tasks
        waits, theory = tasks.started - tasks.published, predicted(tasks, seen.children)
        dispatch_s, turnaround_s = overheads(tasks)
        rate = len(tasks) / float(tasks.published[-1] - tasks.published[0])
        service_s = float(np.mean(tasks.drawn_s))
        constant = float(np.ptp(tasks.drawn_s)) == 0.0
        textbook_s = md1_wait(rate, service_s) if constant else mmc_wait(rate, service_s, seen.children)
        mean = float(theory.mean())
        yield compared(
            f"waiting, {name}", mean * 1e3, float(waits.mean()) * 1e3, half_width(waits - theory) * 1e3,
            unit="ms", allowed=ALLOWED_RATIO * mean * 1e3, sharp=SHARP_RATIO * mean * 1e3,
            why=f"mean over {len(tasks)} tasks against the recursion; Celery's dispatch {dispatch_s * 1e3:.1f} ms and"
            f" turnaround {turnaround_s * 1e3:.1f} ms are measured; the textbook, without them and for endless many tasks,"
            f" says {textbook_s * 1e3:.1f} ms",
        )  # fmt: skip


CHECK = Check("waiting", ("one server", "constant service", "two servers"), _compare)
