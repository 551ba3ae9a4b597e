"""Probe `broker`: commands and bytes of the Redis server, in all and by the part that sent them.

Figures of part `broker`: `commands` and `command:NAME` (counters; commands that a script runs are among them, as Redis
counts), `input_bytes`, `output_bytes`, `used_memory_bytes` (now). Figures of the parts: `redis_commands` (what that part
sent, a script call being one), `redis_sent_bytes`, `redis_received_bytes`. A connection belongs to the process that holds
its other end; `other` are those of processes elsewhere or gone, `probes` is this probe's own.
"""

from collections import defaultdict
from typing import Any, Final

import psutil
import redis

from experiments.probes.parts import trees
from experiments.probes.probe import ProbeError, Reading, Watched

#: Of CLIENT LIST, since Valkey 8.1 and Redis 8.
_FIGURES: Final = {
    "tot-cmds": "redis_commands",
    "tot-net-in": "redis_sent_bytes",
    "tot-net-out": "redis_received_bytes",
}


class BrokerProbe:
    """See the module."""

    name = "broker"
    least_period_s = 1.0

    def __init__(self, watched: Watched) -> None:
        self.missing: dict[str, str] = {}
        self._watched = watched
        self._client = watched.client
        #: A connection's number -> its part, once its process is known.
        self._part: dict[int, str] = {}
        #: (connection, figure) -> when last seen: what a closed connection did in its last second may be missing.
        self._seen: dict[tuple[int, str], int] = {}

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        pipe = self._client.pipeline(transaction=False)
        pipe.info("stats")
        pipe.info("commandstats")
        pipe.info("memory")
        pipe.client_id()
        pipe.client_list()
        try:
            stats, commands, memory, own, clients = pipe.execute()
        except redis.RedisError as error:
            raise ProbeError(f"the broker didn't answer: {error}") from error
        found = [
            Reading("broker", "commands", stats["total_commands_processed"]),
            Reading("broker", "input_bytes", stats["total_net_input_bytes"]),
            Reading("broker", "output_bytes", stats["total_net_output_bytes"]),
            Reading("broker", "used_memory_bytes", memory["used_memory"]),
        ]
        found += [
            Reading("broker", f"command:{name.removeprefix('cmdstat_')}", one["calls"])
            for name, one in commands.items()
        ]
        return found + self._by_part(int(own), clients)

    def _by_part(self, own: int, clients: list[dict[str, Any]]) -> list[Reading]:
        if not all(name in client for client in clients for name in _FIGURES):
            self.missing["redis_commands"] = "this server's CLIENT LIST counts nothing by connection (Valkey 8.1 does)"
            return []
        new = {client["addr"]: int(client["id"]) for client in clients if int(client["id"]) not in self._part}
        self._part |= dict.fromkeys(new.values(), "other")
        self._part[own] = "probes"
        if set(new.values()) - {own}:
            try:
                ends = self._ends()
            except ProbeError as error:
                self.missing["redis_commands"] = self.missing["redis_sent_bytes"] = str(error)
                return []
            for part, address in ends:
                if address in new and new[address] != own:
                    self._part[new[address]] = part
        for client in clients:
            for name, figure in _FIGURES.items():
                self._seen[int(client["id"]), figure] = int(client[name])
        totals: dict[tuple[str, str], int] = defaultdict(int)
        for (number, figure), value in self._seen.items():
            totals[self._part[number], figure] += value
        return [Reading(part, figure, value) for (part, figure), value in totals.items()]

    def _ends(self) -> list[tuple[str, str]]:
        """(part, local address) of every TCP connection of the trial's processes.

        A prefork child inherits its parent's sockets: the parent's claim comes last and counts.
        """
        found: list[tuple[str, str]] = []
        for tree in trees(self._watched):
            for pid, part in (*((pid, tree.below_part) for pid in tree.below), (tree.root, tree.part)):
                try:
                    connections = psutil.Process(pid).net_connections(kind="tcp")
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
                found += [(part, f"{one.laddr.ip}:{one.laddr.port}") for one in connections if one.raddr]
        return found

    def close(self) -> None:
        """Holds nothing: the client is the sampler's."""
