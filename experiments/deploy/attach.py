"""`[deploy] kind = "attach"`: measures a system that is running already: `caudal up`, the containers, processes by hand.

Nothing is started, ended or set. Before a trial the system must be the one that the config describes (version, settings,
rules, clock), at rest, and fed and measured by nobody else; its counters count from what they say then. While it is
measured, the key `harness` says so, and `caudal up` leaves the result rows alone. What is seen of its processes is what
this machine shows: without them there is no CPU account.
"""

import contextlib
import os
import socket
import time
from typing import Any, Final

import msgspec
import redis

from experiments.deploy.account import counters, left
from experiments.deploy.broker import Broker
from experiments.deploy.process import ProcessError
from experiments.deploy.seen import SeenProcess, seen
from experiments.deploy.target import Address
from system.broker import keys
from system.broker.connect import place
from system.broker.presence import Announcement, OtherVersionError, clock_name, fingerprint, present
from system.settings import SystemSettings
from system.signatures.loaders import load

#: A harness that died gives the system free after this time. Every look at the counters renews it.
HELD_S: Final = 120
#: The system must be at rest for so long before a trial; and may take so long to come to rest (a health check's task).
QUIET_S: Final = 1.0
REST_S: Final = 10.0

#: Settings that say nothing of how a process works that somebody else placed and counted.
_PLACED: Final = ("worker_cores", "worker_concurrency", "worker_nodes", "profile")
_LOOK_S: Final = 0.05


class AttachError(ValueError):
    """The running system is not one that this config measures. The message says why, and what to do."""


def processes(client: Any, system: SystemSettings, url: str) -> list[Announcement]:
    """The processes of the system behind a Redis, after they were found to be those that the settings describe.

    Raises: AttachError.
    """
    try:
        found = present(client)
    except (redis.RedisError, ValueError) as error:
        wrong = str(error) if isinstance(error, OtherVersionError) else f"no Redis answers at {place(url)}: {error}"
        raise AttachError(wrong) from None
    for part in ("gateway", "worker"):
        if not any(one.part == part for one in found):
            names = ", ".join(one.name for one in found) or "nobody"
            raise AttachError(
                f"no {part} announces itself in the Redis at {place(url)} ({names} does): "
                "is it the one that the system uses? Start the system first, with `caudal up --redis URL` for one"
            )
    nodes = [one.node for one in found if one.part == "worker"]
    if len(set(nodes)) < len(nodes):
        raise AttachError(
            f"workers share a number, so that their rows can't be told apart: {', '.join(one.name for one in found)}; "
            "give each another --node"
        )
    for one in found:
        _same(one, system)
    return found


def _same(one: Announcement, system: SystemSettings) -> None:
    """Raises: AttachError unless a process is run with these settings, on this clock, with these rules."""
    if one.clock != clock_name():
        raise AttachError(
            f"{one.name} has another clock than this machine: instants can't be compared; run this command on its host"
        )
    runs, config = msgspec.to_builtins(one.settings), msgspec.to_builtins(system)
    other = [name for name in runs if name not in (*_PLACED, "rules") and runs[name] != config[name]]
    if other:
        told = ", ".join(f"{name} = {_toml(runs[name])} (not {_toml(config[name])})" for name in other)
        sets = " ".join(f"--set 'system.{name}={_toml(runs[name])}'" for name in other)
        raise AttachError(f"{one.name} runs with other settings than the config says: {told}; {sets} takes them over")
    if one.rules is not None and one.rules != (ours := fingerprint(load(system.rules))):
        raise AttachError(
            f"{one.name} scans with other rules ({one.rules}, from {list(one.settings.rules)}) than the config says "
            f"({ours}, from {list(system.rules)}): no hit could be named; give system.rules the same ones"
        )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items() if one is not None) + "}"
    return msgspec.json.encode(value).decode()


class AttachedTarget:
    """A running system, as a `Target`."""

    def __init__(self, system: SystemSettings, listen: str, url: str) -> None:
        host, _, port = listen.rpartition(":")
        self.url = url
        self._address = Address(host, int(port))
        self._system = system
        self._broker = Broker(url, None, keep=True)
        self._client: Any = None
        self._found: list[Announcement] = []
        self._parts: dict[str, list[SeenProcess]] = {}
        self._before: dict[str, int] = {}
        self._holder = f"{socket.gethostname()}, pid {os.getpid()}, {time.time_ns()}"

    def start(self, *, workers: bool = True) -> Address:
        """See `Target`. Raises: ProcessError if the system isn't what the config says, or isn't at rest."""
        del workers  # they run
        self._client = self._broker.client()
        try:
            self._found = processes(self._client, self._system, self.url)
        except AttachError as error:
            raise ProcessError(str(error)) from None
        self._hold()
        self._before = self._rest()
        self._client.delete(keys.ROWS)  # of batches before this trial; nobody took them
        self._parts = {"gateway": [], "workers": [], "sweeper": [], "broker": []}
        for one in self._found:
            here = seen(one.name, one.pid, f"system.{one.part}") if one.host == socket.gethostname() else []
            self._parts["workers" if one.part == "worker" else one.part] += here
        self._parts["broker"] += seen("broker", int(self._client.info("server")["process_id"]), "-server")
        return self._address

    def _hold(self) -> None:
        if not self._client.set(keys.HARNESS, self._holder, nx=True, ex=HELD_S):
            holder = (self._client.get(keys.HARNESS) or b"?").decode()
            raise ProcessError(
                f"another harness measures this system ({holder}): wait for its end; if it died, for {HELD_S} s"
            )

    def _rest(self) -> dict[str, int]:
        """The counters, once they have not changed for QUIET_S and nothing was in hand."""
        until = time.monotonic() + REST_S
        quiet_since, last = time.monotonic(), self._raw()
        while time.monotonic() - quiet_since < QUIET_S:
            time.sleep(_LOOK_S)
            now = self._raw()
            if now != last or now["queued"] + now["unacked"] + now["pending"]:
                quiet_since = time.monotonic()
            if time.monotonic() > until:
                moved = {name: value - last.get(name, 0) for name, value in now.items() if value != last.get(name, 0)}
                held = {name: now[name] for name in ("queued", "unacked", "pending") if now[name]}
                raise ProcessError(
                    f"the running system is not at rest (it holds {held}, and counted {moved} at the last look): "
                    "somebody else feeds it, or it has a backlog; end that, and begin again"
                )
            last = now
        return last

    def start_workers(self) -> None:
        """See `Target`. They run."""

    def workers_ready(self) -> bool:
        """See `Target`. Those that announce themselves take tasks."""
        return True

    def stop_gateway(self, grace_s: float) -> None:
        """See `Target`. It isn't ours to stop."""

    def stop_workers(self, grace_s: float) -> None:
        """See `Target`. They aren't ours to stop, so the account can be taken only when they have come to rest.

        Raises: ProcessError if they haven't within `grace_s`.
        """
        until = time.monotonic() + grace_s
        while grace_s and not self._idle():
            if time.monotonic() > until:
                raise ProcessError(
                    "the running system still works at what it was sent, so that no account is final: raise "
                    "trial.drain_timeout_s, or offer less"
                )
            time.sleep(_LOOK_S)

    def _idle(self) -> bool:
        now = self._raw()
        return not now["queued"] + now["unacked"] + now["pending"]

    def parts(self) -> dict[str, list[SeenProcess]]:
        """See `Target`: those that this machine shows."""
        return self._parts

    def _raw(self) -> dict[str, int]:
        return counters(self._client)

    def counters(self) -> dict[str, int]:
        """See `Target`: since `start`, but for what is queued, unacknowledged and pending now."""
        now = self._raw()
        self._client.expire(keys.HARNESS, HELD_S)
        levels = ("queued", "unacked", "pending")
        return {name: value if name in levels else value - self._before.get(name, 0) for name, value in now.items()}

    def left(self) -> set[bytes]:
        """See `Target`."""
        return left(self._client, journal=self._system.journal)

    def describe(self) -> dict[str, Any]:
        """See `Target`: the broker, and every process as it announced itself."""
        return {"broker": self._broker.describe(), "processes": msgspec.to_builtins(self._found)}

    def stop(self, grace_s: float) -> None:
        """See `Target`: nothing is ended; the system is free for the next harness."""
        if self._client is None:
            return
        with contextlib.suppress(redis.RedisError):
            if self._client.get(keys.HARNESS) == self._holder.encode():
                self._client.delete(keys.HARNESS)
        self._client.close()
