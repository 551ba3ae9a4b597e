"""Probe `broker`: commands and bytes of the Redis server, in all and by the part that sent them.

Figures of part `broker`: `commands` and `command:NAME` (counters; commands that a script runs are among them, as Redis
counts), `input_bytes`, `output_bytes`, `used_memory_bytes` (now). Figures of the parts: `redis_commands` (what that part
sent, a script call being one), `redis_sent_bytes`, `redis_received_bytes`. A connection belongs to the process that holds
its other end; `other` are those of processes elsewhere or gone, `probes` is this probe's own.
"""

from collections import defaultdict
from typing import Any, Final

import redis

from experiments.probes import procfs
from experiments.probes.parts import members, trees
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
        self._server: str | None = None
        #: A connection's number -> its part, once its process is known.
        self._part: dict[int, str] = {}
        #: (connection, figure) -> when last seen: what a closed connection did in its last second may be missing.
        self._seen: dict[tuple[int, str], int] = {}

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        pipe = self._client.pipeline(transaction=False)
        pipe.info("server", "stats", "commandstats", "memory")
        pipe.client_id()
        pipe.client_list()
        try:
            told, own, clients = pipe.execute()
        except redis.RedisError as error:
            raise ProbeError(f"the broker didn't answer: {error}") from error
        self._server = self._server or told["run_id"]
        if told["run_id"] != self._server:
            raise ProbeError("the server was started again, and counts from zero")
        found = [
            Reading("broker", "commands", told["total_commands_processed"]),
            Reading("broker", "input_bytes", told["total_net_input_bytes"]),
            Reading("broker", "output_bytes", told["total_net_output_bytes"]),
            Reading("broker", "used_memory_bytes", told["used_memory"]),
        ]
        found += [
            Reading("broker", f"command:{name.removeprefix('cmdstat_')}", one["calls"])
            for name, one in told.items()
            if name.startswith("cmdstat_")
        ]
        return found + self._by_part(int(own), clients)

    def _by_part(self, own: int, clients: list[dict[str, Any]]) -> list[Reading]:
        if not all(name in client for client in clients for name in _FIGURES):
            self.missing["redis_commands"] = "this server's CLIENT LIST counts nothing by connection (Valkey 8.1 does)"
            return []
        new = [client for client in clients if int(client["id"]) not in self._part]
        self._part |= {int(client["id"]): "other" for client in new} | {own: "probes"}
        try:
            self._find([client for client in new if int(client["id"]) != own])
        except ProbeError as error:
            self.missing["redis_commands"] = self.missing["redis_sent_bytes"] = str(error)
            return []
        for client in clients:
            for name, figure in _FIGURES.items():
                self._seen[int(client["id"]), figure] = int(client[name])
        totals: dict[tuple[str, str], int] = defaultdict(int)
        for (number, figure), value in self._seen.items():
            totals[self._part[number], figure] += value
        return [Reading(part, figure, value) for (part, figure), value in totals.items()]

    def _find(self, new: list[dict[str, Any]]) -> None:
        """Whose each new connection is. One reading for all: 3 ms, where psutil took 100.

        A prefork child inherits its parent's sockets: what the parent holds is the parent's.
        """
        looked: dict[int, int] = {}  # the socket's number -> the connection's
        for port in {client["laddr"].rpartition(":")[2] for client in new}:
            here = procfs.tcp_sockets(int(port)) if procfs.AVAILABLE else {}
            for client in new:
                ends = client["addr"].rpartition(":")[2], client["laddr"].rpartition(":")[2]
                if ends[1] == port and int(ends[0]) in here:
                    looked[here[int(ends[0])]] = int(client["id"])
        for tree in trees(self._watched) if new else ():
            for pid, part in members(tree):
                if not looked or part == "swarm":  # it may hold a hundred thousand sockets, none to the broker
                    continue
                try:
                    held = procfs.sockets(pid)
                except (*procfs.GONE, PermissionError):
                    continue
                for number in held & looked.keys():
                    self._part[looked.pop(number)] = part

    def close(self) -> None:
        """Holds nothing: the client is the sampler's."""
