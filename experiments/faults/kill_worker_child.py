"""SIGKILL to prefork children: what the kernel does to a worker out of memory.

The node's parent notices, forks another child and loses what the dead one had in hand; whether the records come back is
what the trial shows.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from experiments.faults.fault import Fault, kill


class KillWorkerChild(Fault, frozen=True, kw_only=True, tag="kill_worker_child"):
    """Kills `count` prefork children of the worker nodes at once."""

    count: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Kills the first `count` children, node by node."""
        children = [child for node in parts["workers"] for child in node.tree()[1:]]
        return {"killed_pids": kill(children[: self.count])}
