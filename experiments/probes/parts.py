"""How a trial's processes fall into parts for the accounts of cost.

A worker node is two parts, its Celery parent and its prefork children; every other part is its process and whatever that
started. The runner, in which the probes run, is a part of its own.
"""

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from experiments.probes import procfs
from experiments.probes.probe import ProbeError, Watched

WORKERS: Final = "workers"
PARENTS: Final = "worker_parents"
CHILDREN: Final = "worker_children"
RUNNER: Final = "runner"


class Tree(NamedTuple):
    """One process that the trial started, with its living descendants; the parts that each counts for."""

    root: int
    part: str
    below: tuple[int, ...]
    below_part: str


def trees(watched: Watched) -> Iterator[Tree]:
    """All processes of the trial that live. Raises: ProbeError where there is no /proc."""
    if not procfs.AVAILABLE:
        raise ProbeError("this platform has no /proc to read processes from")
    for part, pids in watched.parts().items():
        for pid in pids:
            try:
                below = tuple(procfs.descendants(pid))
            except procfs.GONE:
                continue
            if part == WORKERS:
                yield Tree(pid, PARENTS, below, CHILDREN)
            else:
                yield Tree(pid, part, below, part)
    yield Tree(os.getpid(), RUNNER, (), RUNNER)


def members(tree: Tree) -> list[tuple[int, str]]:
    """Its processes, the root first, each with its part."""
    return [(tree.root, tree.part), *((pid, tree.below_part) for pid in tree.below)]
