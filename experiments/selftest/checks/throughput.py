"""Throughput against a workload of known cost: a server that is never idle carries one batch each service plus overhead.

The service is the config's; Celery's overhead a task is taken from the stamps of single tasks and never from a count, so that
the rate, which counts records over a window, is another measurement. The stall is taken out of the window.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared, half_width
from experiments.selftest.seen import Seen

#: Fewest cycles whose mean is told.
LEAST_CYCLES: Final = 40


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    seen = scenes["stall, closed loop"]
    record, tasks = seen.record, seen.tasks
    service_s = record.config["system"]["emulated"]["service_s"]
    done = record.faults[0]["done"]
    begin, end = record.window
    stood_s = max(0, min(done["end_mono_ns"], end) - max(done["begin_mono_ns"], begin)) / 1e9
    cycles = tasks.committed - tasks.free
    stall_begin, stall_end = (float(seen.since_start(done[f"{name}_mono_ns"])) for name in ("begin", "end"))
    disturbed = (tasks.committed >= stall_begin) & (tasks.free <= stall_end)
    undisturbed = cycles[np.isfinite(cycles) & ~disturbed]
    if len(undisturbed) < LEAST_CYCLES:
        yield compared(
            "throughput", math.nan, math.nan, math.inf, unit="records/s", allowed=0.0, sharp=0.0,
            why=f"{len(undisturbed)} undisturbed cycles of the server, {LEAST_CYCLES} are asked for",
        )  # fmt: skip
        return
    cycle_s = float(undisturbed.mean())
    batch = record.load.batch_size
    theory = batch / cycle_s * (seen.window_s - stood_s) / seen.window_s
    measured = seen.summary.carried_records_per_s
    half = theory * half_width(undisturbed) / cycle_s
    yield compared(
        "throughput", theory, math.nan if measured is None else measured, half, unit="records/s",
        allowed=0.01 * theory, sharp=0.1 * theory,
        why=f"{batch} records each {cycle_s * 1e3:.2f} ms, of which {service_s * 1e3:.2f} ms are the service;"
        f" {stood_s:.2f} s of {seen.window_s:.0f} s stood still; 1 % for the edges of window and stall",
    )  # fmt: skip


CHECK = Check("throughput", ("stall, closed loop",), _compare)
