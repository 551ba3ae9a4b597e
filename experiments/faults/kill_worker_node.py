"""SIGKILL to whole worker nodes: the parent process and all its children, as when a machine is gone.

Nobody restarts it within the trial: what it had in hand is recovered by the other nodes, or lost.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from experiments.faults.fault import Fault, kill


class KillWorkerNode(Fault, frozen=True, kw_only=True, tag="kill_worker_node"):
    """Kills `count` worker nodes at once, parents and children."""

    count: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Kills the last `count` nodes, each with all its children."""
        nodes = [node.tree() for node in parts["workers"][-self.count :]]
        return {"killed_pids": kill([process for node in nodes for process in node])}
