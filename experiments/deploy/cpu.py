"""CPU time of processes, ours or somebody else's."""

import contextlib
from collections.abc import Iterable

import psutil


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds so far: of children that ended, what their parents reaped. Of one that is gone, or closed to us, none."""
    total = 0.0
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
