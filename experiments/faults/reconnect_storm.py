"""Connections lost all at once: what a switch, a load balancer or a gateway's restart does to a fleet.

Every agent comes back by its own backoff with jitter, sends again what was not acknowledged, and has gone on cutting
batches meanwhile.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from experiments.faults.fault import Fault


class ReconnectStorm(Fault, frozen=True, kw_only=True, tag="reconnect_storm"):
    """Loses `share` of the swarm's connections at once, spread evenly over its agents."""

    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Tells every process of the swarm; how many connections came back stands in the swarm's `reconnects`."""
        for process in parts["swarm"]:
            process.tell(f"storm {self.share!r}")
        return {"told_processes": len(parts["swarm"])}
