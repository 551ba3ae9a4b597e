"""A part of the system stands still for a while and goes on: a frozen virtual machine, a long garbage collection, a debugger.

Nothing dies and no connection is lost. What arrives meanwhile waits, and a load that waits for answers stops asking, so that
it never measures the waiting.
"""

import contextlib
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
import psutil

from experiments.faults.fault import Fault


class Stall(Fault, frozen=True, kw_only=True, tag="stall"):
    """Stops all processes of `part` by SIGSTOP, and lets them go on after `for_s`."""

    part: Literal["workers", "gateway", "broker"] = "workers"
    for_s: Annotated[float, msgspec.Meta(gt=0, le=1_000)] = 1.0

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Gives the processes, and between which instants all of them stood still."""
        family = [one for process in parts[self.part] for one in process.tree()]
        try:
            _signal(family, signal.SIGSTOP)
            begin_mono_ns = time.monotonic_ns()
            time.sleep(self.for_s)
        finally:
            end_mono_ns = time.monotonic_ns()
            _signal(family, signal.SIGCONT)
        return {
            "stalled_pids": [one.pid for one in family],
            "begin_mono_ns": begin_mono_ns,
            "end_mono_ns": end_mono_ns,
        }


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
