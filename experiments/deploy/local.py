"""The pipeline of `system/` on this machine: broker, gateway, worker nodes and sweeper as processes of their own.

Start-up order as the design has it: nothing starts before the broker answers. Everything listens on loopback only.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from experiments.deploy import account, broker
from experiments.deploy.placement import Placement
from experiments.deploy.process import ChildProcess
from experiments.deploy.target import Address
from system.settings import Process, SystemSettings, to_environment
from system.variants.registry import VARIANTS

GATEWAY_START_S: Final = 15.0


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host, int(port))


class LocalDeployment:
    """The system under test as child processes."""

    def __init__(
        self,
        system: SystemSettings,
        placement: Placement,
        folder: Path,
        *,
        redis_server: str | None = None,
        redis_url: str | None = None,
        listen: str = "127.0.0.1:0",
        syslog: str | None = None,
        detections: bool = False,
        keep: bool = False,
        broker_delay_s: float = 0.0,
        python: Sequence[str] = (sys.executable,),
        environment: Callable[[Process], Mapping[str, str]] = to_environment,
    ) -> None:
        """`broker_delay_s`: the broker is started last, so long after the rest. `python`: what runs the system's processes;
        `environment`: how one is told its share."""
        self._python = python
        self._environment = environment
        self._system = system
        self._placement = placement
        self._folder = folder
        self._redis_server = redis_server
        self._redis_url = redis_url
        self._listen = [listen] if syslog is None else [listen, syslog]
        #: Where lines are taken, if they are. Only after `start`.
        self.syslog: Address | None = None
        self._detections = detections
        self._keep = keep
        self._broker_delay_s = broker_delay_s
        self._begun_mono_ns = 0
        self._broker: broker.Broker | None = None
        self._client: Any = None
        self._waiting: list[ChildProcess] = []  # workers that haven't said that they are ready
        self._variant = VARIANTS[system.variant]
        self._parts: dict[str, list[ChildProcess]] = {"broker": [], "gateway": [], "workers": [], "sweeper": []}

    @property
    def url(self) -> str:
        """The broker's URL. Only after `start`."""
        assert self._broker is not None
        return self._broker.url

    def start(self, *, workers: bool = True) -> Address:
        """See `Target`. Raises: BrokerError, ProcessError."""
        self._begun_mono_ns = time.monotonic_ns()

        def rest_first(made: broker.Broker) -> None:
            self._broker = made
            self._start_rest(workers)
            time.sleep(self._broker_delay_s)

        self._broker = broker.start(
            self._folder,
            named=self._redis_server,
            url=self._redis_url,
            cpus=self._placement.broker,
            keep=self._keep,
            fsync=self._system.fsync,
            first=rest_first if self._broker_delay_s else None,
        )
        if self._broker.process is not None:
            self._parts["broker"].append(self._broker.process)
        if not self._broker_delay_s:
            self._start_rest(workers)
        (gateway,) = self._parts["gateway" if self._variant.has_workers else "workers"]
        address = _address(gateway.expect("ready ", GATEWAY_START_S))
        if len(self._listen) > 1:
            self.syslog = _address(gateway.expect("syslog ", GATEWAY_START_S))
        return address

    def _start_rest(self, workers: bool) -> None:
        """All but the broker. A gateway that brings its own workers is their parent, and counts as such."""
        if workers and self._variant.has_workers:
            self.start_workers()  # they take seconds, so they start first
        part = "gateway" if self._variant.has_workers else "workers"
        told = self._told(concurrency=self.concurrency(), child_cpus=self._placement.workers)
        self._spawn(part, ["-m", self._variant.gateway, *self._listen], self._placement.gateway, told)
        if self._system.journal:
            self._spawn("sweeper", ["-m", "system.sweeper"], self._placement.broker, self._told())

    def _told(self, **share: Any) -> Process:
        return Process(system=self._system, redis_url=self.url, waits=self._variant.waits, **share)

    def _spawn(self, part: str, words: Sequence[str], cpus: Sequence[int], process: Process) -> ChildProcess:
        number = len(self._parts.setdefault(part, []))
        child = ChildProcess(
            f"{part}{number}" if part == "workers" else part,
            [*self._python, *words],
            self._folder,
            cpus=cpus,
            environment=self._environment(process),
        )
        self._parts[part].append(child)
        return child

    def concurrency(self) -> int:
        """Tasks that a node runs at once: as set, or one for each core the workers have."""
        if self._system.worker_pool == "solo":
            return 1
        asked = self._system.worker_concurrency
        if asked != "cores":
            return asked
        return max(1, len(self._placement.workers)) if self._placement.workers else 1

    def start_workers(self) -> None:
        """See `Target`."""
        for node in range(self._system.worker_nodes):
            worker = self._spawn(
                "workers",
                ["-m", "system.worker"],
                self._placement.celery_parents,
                self._told(
                    node=node,
                    concurrency=self.concurrency(),
                    child_cpus=self._placement.workers,
                    detections=self._detections,
                ),
            )
            self._waiting.append(worker)

    def workers_ready(self) -> bool:
        """See `Target`."""
        self._waiting = [worker for worker in self._waiting if worker.said("ready") is None]
        return not self._waiting

    def stop_gateway(self, grace_s: float = 5.0) -> None:
        """See `Target`."""
        for part in ("gateway", "sweeper"):
            for process in self._parts.get(part, ()):
                process.stop(grace_s)

    def stop_workers(self, grace_s: float = 10.0) -> None:
        """See `Target`."""
        for process in self._parts["workers"]:
            process.stop(grace_s=grace_s)

    def parts(self) -> dict[str, list[ChildProcess]]:
        """See `Target`."""
        return self._parts

    def client(self) -> Any:
        """One connection to the broker, for the runner's own looks."""
        if self._client is None:
            assert self._broker is not None
            self._client = self._broker.client()
        return self._client

    def counters(self) -> dict[str, int]:
        """See `Target`."""
        return account.counters(self.client())

    def left(self) -> set[bytes]:
        """See `Target`."""
        return account.left(self.client(), journal=self._system.journal)

    def describe(self) -> dict[str, Any]:
        """See `Target`."""
        assert self._broker is not None
        return {
            "broker": self._broker.describe(),
            "placement": msgspec.to_builtins(self._placement),
            "worker_concurrency": self.concurrency(),
            "ready_s": self._ready_s(),
        }

    def _ready_s(self) -> float | None:
        """From the start until gateway and workers had said that they were ready; None as long as one hasn't."""
        parts = [*self._parts["gateway"], *self._parts["workers"]]
        heard = [one.heard_mono_ns.get("ready") for one in parts]
        known = [at for at in heard if at is not None]
        whole = self._parts["workers"] and len(known) == len(parts)
        return (max(known) - self._begun_mono_ns) / 1e9 if whole else None

    def stop(self, grace_s: float = 10.0) -> None:
        """See `Target`."""
        self.stop_gateway(grace_s)
        self.stop_workers(grace_s)
        if self._client is not None:
            self._client.close()
        if self._broker is not None:
            self._broker.stop()
