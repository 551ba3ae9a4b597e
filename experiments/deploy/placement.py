"""Which CPUs each part runs on: the config's lists, or a default that keeps the swarm off the system's cores.

The default fills physical cores first and SMT siblings last. Workers get the first `worker_cores` of that order; gateway,
broker and swarm share what is left, or everything if nothing is. Where the platform can't pin, every list is empty.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """CPU numbers for each part; empty means not pinned."""

    swarm: tuple[int, ...]
    gateway: tuple[int, ...]
    broker: tuple[int, ...]
    celery_parents: tuple[int, ...]
    workers: tuple[int, ...]


class PlacementError(ValueError):
    """The asked CPUs don't exist here."""


def available() -> tuple[int, ...]:
    """The CPUs this process may use, physical cores first, then their SMT siblings. Empty where pinning is impossible."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0), key=lambda cpu: (_sibling_rank(cpu), cpu)))


def count() -> int:
    """How many CPUs this process may use, whether it can be pinned to them or not."""
    return len(available()) or os.cpu_count() or 1


def _sibling_rank(cpu: int) -> int:
    """0 for the first thread of a core, 1 for its sibling."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    try:
        text = path.read_text().strip()
    except OSError:
        return 0
    siblings = [
        number
        for part in text.split(",")
        for number in range(int(part.partition("-")[0]), int(part.partition("-")[2] or part.partition("-")[0]) + 1)
    ]
    return siblings.index(cpu) if cpu in siblings else 0


def place(
    cpus: Sequence[int], worker_cores: int | Literal["all"], asked: dict[str, tuple[int, ...] | None]
) -> Placement:
    """The placement for one trial.

    Args:
        cpus: what there is, in the order in which to fill it; empty if pinning is impossible.
        worker_cores: CPU cores for the workers.
        asked: the config's `[placement]` table; None or a missing key means the default.

    Raises: PlacementError, naming the CPU or the number and what there is.
    """
    for part, wanted in asked.items():
        for cpu in wanted or ():
            if cpu not in cpus:
                raise PlacementError(f"placement.{part} names CPU {cpu}, but this process may use only {sorted(cpus)}")
    if worker_cores != "all" and cpus and worker_cores > len(cpus):
        raise PlacementError(
            f"system.worker_cores must be at most {len(cpus)}, the CPUs this process may use, got {worker_cores}"
        )
    count = len(cpus) if worker_cores == "all" else worker_cores
    workers = asked.get("workers") or tuple(cpus[:count])
    rest = tuple(cpu for cpu in cpus if cpu not in workers) or tuple(cpus)
    return Placement(
        workers=workers,
        celery_parents=asked.get("celery_parents") or workers,
        gateway=asked.get("gateway") or rest,
        broker=asked.get("broker") or rest,
        swarm=asked.get("swarm") or rest,
    )
