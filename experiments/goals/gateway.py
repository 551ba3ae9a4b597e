"""The gateway against a bare loop that receives and sends the same bytes, its batches a second, and its idle connections.

The real gateway and a real broker as a trial starts them; no workers, so a backlog is laid down and thrown away. CPU time is
the gateway process's own.
"""

import contextlib
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import psutil

from experiments.deploy.fleet import Fleet
from experiments.deploy.local import LocalDeployment
from experiments.deploy.placement import available, place
from experiments.deploy.target import Address
from experiments.goals.batches import web_batches
from experiments.goals.loops import relayed
from experiments.machine.generator import spec_of
from loadgen.model.arrivals.drain import Drain
from loadgen.model.fleet import AgentClass
from system.settings import PROFILES, SystemSettings

_START_S: Final = 60.0
_PLAY_S: Final = 120.0

#: Batches of 1,000 records of some 250 bytes: three quarters of a gigabyte.
LARGE_BATCHES: Final = 3000
#: Unanswered batches of an agent: few enough that the gateway's memory is used again and again, as it is where workers
#: keep up. With 64 large ones each it is all touched for the first time, and the kernel's zeroing is most of the cost.
WINDOW: Final = 8
#: Batches of one record, from many agents.
SMALL_BATCHES: Final = 100_000
SMALL_AGENTS: Final = 200
IDLE_CONNECTIONS: Final = 10_000


class Played(NamedTuple):
    """A backlog laid down through the gateway: bytes and batches sent, seconds, and the gateway's CPU seconds."""

    bytes: int
    batches: int
    seconds: float
    cpu_s: float


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[LocalDeployment, Address]]:
    """The system of the profile `tuned` without workers."""
    system = msgspec.convert({"profile": "tuned", **PROFILES["tuned"]}, SystemSettings)
    target = LocalDeployment(system, place(available(), "all", {}), folder)
    try:
        yield target, target.start(workers=False)
    finally:
        target.stop(0.0)


def played(batch_size: int, batches: int, agents: int) -> Played:
    """Lays a backlog down through a fresh gateway. Raises: ProcessError."""
    kind = AgentClass(
        name="all", agents=agents, arrivals=Drain(backlog_batches=batches), batch_size=batch_size, timeout_s=0.5
    )
    with tempfile.TemporaryDirectory(prefix="caudal-goals-") as name, running(Path(name)) as (target, address):
        spec = msgspec.structs.replace(
            spec_of(kind, Path(name), 1.0), host=address.host, port=address.port, inflight_batches=WINDOW
        )
        fleet = Fleet(spec, ())
        try:
            fleet.wait("ready", _START_S)
            (gateway,) = target.parts()["gateway"]
            cpu_s, begun = gateway.cpu_s(), time.monotonic()
            fleet.tell(f"go {time.monotonic_ns()}")
            fleet.wait("idle", _PLAY_S)
            return Played(
                bytes=fleet.progress["sent_bytes"],
                batches=fleet.progress["acked_batches"],
                seconds=time.monotonic() - begun,
                cpu_s=gateway.cpu_s() - cpu_s,
            )
        finally:
            fleet.end()


def against_a_bare_loop() -> float:
    """CPU of the gateway by that of a bare loop, a byte, for batches of 1,000; both in this order, at once."""
    bare = relayed(web_batches(1000), LARGE_BATCHES)["pass_on"]
    found = played(1000, LARGE_BATCHES, agents=20)
    return found.cpu_s / found.bytes * 1e9 / bare


def batches_a_cpu_second() -> float:
    """Batches of one record that the gateway acknowledges, a CPU second of its own."""
    found = played(1, SMALL_BATCHES, agents=SMALL_AGENTS)
    return found.batches / found.cpu_s


def idle_bytes(connections: int = IDLE_CONNECTIONS) -> float:
    """Resident memory of the gateway with so many connections that say nothing."""
    with tempfile.TemporaryDirectory(prefix="caudal-goals-") as name, running(Path(name)) as (target, address):
        (gateway,) = target.parts()["gateway"]
        with contextlib.ExitStack() as held:
            for _ in range(connections):
                held.enter_context(socket.create_connection(address, timeout=_START_S))
            return float(psutil.Process(gateway.pid).memory_info().rss)
