"""SIGKILL to the broker, which is started again at once with what its disk holds: nothing where it is in memory.

What the system acknowledged and had not analysed is then lost, or there again: the profile `durable` is held against that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.faults.fault import Fault, kill


class KillBroker(Fault, frozen=True, kw_only=True, tag="kill_broker"):
    """Kills the broker and starts it again, on the same port."""

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Kills it, waits for its end, and starts the same command."""
        killed = [pid for process in parts["broker"] for pid in kill(process.tree())]
        for process in parts["broker"]:
            process.again()
        return {"killed_pids": killed}
