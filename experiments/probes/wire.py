"""Probe `wire`: bytes between agents and gateway, as the swarm counts what it hands to and reads from its sockets.

Figures: `sent_bytes` and `received_bytes` of part `swarm`: Forward messages with their headers, and acknowledgements;
exact, and without TCP's own headers. `loopback_bytes` of part `machine` is what went over the loopback interface, TCP/IP
headers included and whoever sent it, and `tcp_segments` all that TCP sent, likewise: bounds to hold the others against, no
figures of the system.
"""

import contextlib
from pathlib import Path
from typing import Final

from experiments.probes.probe import Reading, Watched
from loadgen.account import progress_paths
from loadgen.progress import SWARM, Progress

_INTERFACES: Final = Path("/proc/net/dev")
_PROTOCOLS: Final = Path("/proc/net/snmp")


class WireProbe:
    """See the module."""

    name = "wire"
    least_period_s = 1.0

    def __init__(self, watched: Watched) -> None:
        self.missing: dict[str, str] = {}
        self._watched = watched
        self._counters: dict[Path, Progress] = {}

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        found = [Reading("swarm", name, value) for name, value in self._swarm().items()]
        found += self._segments()
        try:
            lines = _INTERFACES.read_text().splitlines()
        except FileNotFoundError:
            self.missing["loopback_bytes"] = f"this platform has no {_INTERFACES}"
            return found
        sent = [line.split(":")[1].split()[8] for line in lines if line.strip().startswith("lo:")]
        if not sent:
            self.missing["loopback_bytes"] = "there is no loopback interface named lo"
        return [*found, *(Reading("machine", "loopback_bytes", int(one)) for one in sent)]

    def _segments(self) -> list[Reading]:
        """Segments that TCP has sent since the machine started: what one end sends the other receives, so these are all."""
        try:
            names, values = (line.split() for line in _PROTOCOLS.read_text().splitlines() if line.startswith("Tcp:"))
        except FileNotFoundError:
            self.missing["tcp_segments"] = f"this platform has no {_PROTOCOLS}"
            return []
        return [Reading("machine", "tcp_segments", int(dict(zip(names, values, strict=True))["OutSegs"]))]

    def _swarm(self) -> dict[str, int]:
        """The swarm's counters, of all its processes; none before it has begun."""
        for path in progress_paths(self._watched.folder):
            if path not in self._counters:
                with contextlib.suppress(FileNotFoundError, ValueError):  # gone, or still empty
                    self._counters[path] = Progress.read(path, SWARM)
        counters = self._counters.values()
        return {name: sum(one[name] for one in counters) for name in ("sent_bytes", "received_bytes") if counters}

    def close(self) -> None:
        """Holds nothing."""
