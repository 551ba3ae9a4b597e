"""A stall of one second: what it does to p99 and maximum can be computed, and a load that waits for answers misses it.

Open loop: batches are cut by the schedule whatever happens; the single server stands still between two measured instants and
then works off what came. Predicted from the schedule drawn again, the drawn service, and the overheads measured before the
stall; held against the p99 and the maximum of the summary. Closed loop, the same stall: only the batches in the window can
meet it, so that the share of slow records is the window's, and p99 shows nothing.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from experiments.metrics.quantiles import quantiles
from experiments.metrics.response import arrivals, join
from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared
from experiments.selftest.seen import Floats, Seen
from experiments.stats.queueing import stalled

#: A record that takes longer than this met the stall.
SLOW_S = 0.25
#: What the prediction leaves out: overheads vary, and are slower for a moment after a stall.
ALLOWED_RATIO, SHARP_RATIO = 0.03, 0.05


class _Predicted(NamedTuple):
    p99_s: float
    max_s: float
    half_s: float


def predicted(seen: Seen) -> _Predicted:
    """The p99 and maximum of the records that arrived in the window, and how far a batch's time spreads undisturbed."""
    record = seen.record
    begin, end = (float(seen.since_start(record.faults[0]["done"][f"{name}_mono_ns"])) for name in ("begin", "end"))
    done = join(seen.tables.batches, seen.tables.results)
    cut, published, started, committed = (
        seen.since_start(done[f"{name}_mono_ns"]) for name in ("cut", "published", "started", "committed")
    )
    order = np.argsort(cut, kind="stable")
    before = committed < begin
    free = np.concatenate(([-np.inf], committed[order][:-1]))
    idle = np.empty(len(cut), bool)
    idle[order] = free < published[order]
    # From its cut to its start, the server being idle, and from its start to its end: the overheads, before the stall.
    way_s = float(np.mean((started - cut)[before & idle]))
    busy_s = float(np.mean((committed - started)[before]))
    turnaround_s = _turnaround(started[order], committed[order], free, published[order])
    _, ends = stalled(cut[order] + way_s, np.full(len(cut), busy_s), begin, end, turnaround_s)
    commits = np.empty(len(cut))
    commits[order] = ends
    at, owner = map(np.concatenate, zip(*arrivals(record.load, record.seed, record.start_mono_ns, done), strict=True))
    inside = (at >= record.window[0]) & (at < record.window[1])
    response_ns = np.rint((commits[owner[inside]] - seen.since_start(at[inside])) * 1e9).astype(np.int64)
    told = quantiles(response_ns, np.ones(len(response_ns), np.int64))
    undisturbed = (committed - cut)[before]
    half_s = (
        float(np.quantile(undisturbed, 0.95) - np.quantile(undisturbed, 0.05)) / 2 if len(undisturbed) else math.inf
    )
    return _Predicted(told.p99 or math.nan, told.max or math.nan, half_s)


def _turnaround(started: Floats, committed: Floats, free: Floats, published: Floats) -> float:
    """From a commit to the next start where a task waited: known from the work after the stall, else Celery's usual 1 ms."""
    waited = free > published
    return float(np.median((started - free)[waited])) if waited.sum() >= 5 else 0.001


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    opened, closed = scenes["stall, open loop"], scenes["stall, closed loop"]
    told = predicted(opened)
    times = opened.summary.response_time_s
    for name, theory, measured in (("p99", told.p99_s, times.p99), ("maximum", told.max_s, times.max)):
        yield compared(
            f"stall, {name}", theory * 1e3, math.nan if measured is None else measured * 1e3, told.half_s * 1e3,
            unit="ms", allowed=ALLOWED_RATIO * theory * 1e3, sharp=SHARP_RATIO * theory * 1e3,
            why="of the summary against the computed effect of the stall on every record; interval: how far batches spread"
            " undisturbed; 3 % for overheads that vary",
        )  # fmt: skip
    record = closed.record
    done = join(closed.tables.batches, closed.tables.results)
    inside = (done["cut_mono_ns"] >= record.window[0]) & (done["cut_mono_ns"] < record.window[1])
    slow = (done["committed_mono_ns"] - done["cut_mono_ns"])[inside] > SLOW_S * 1e9
    window = record.load.arrivals["window_batches"]
    share = window / int(inside.sum()) if inside.any() else math.nan
    misses = closed.summary.response_time_s.p99
    yield compared(
        "stall, closed loop", share * 1e3, float(slow.mean()) * 1e3, 0.0,
        unit="per mille", allowed=1.01 * share * 1e3 / window, sharp=0.0,
        why=f"share of batches slower than {SLOW_S * 1e3:.0f} ms against the {window} in the window, give or take one",
    )  # fmt: skip
    yield compared(
        "stall missed by a closed loop", 0.0, (misses or math.nan) / told.p99_s, 0.0, unit="ratio", allowed=0.2, sharp=0.0,
        why=f"a load that waits for answers sees a p99 of {(misses or math.nan) * 1e3:.0f} ms where {told.p99_s * 1e3:.0f} ms"
        " is true: below a fifth, the stall is missed",
    )  # fmt: skip


CHECK = Check("stall", ("stall, open loop", "stall, closed loop"), _compare)
