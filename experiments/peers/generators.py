"""Generators against the same gateway: the swarm and Locust, batches of 10 web lines, by the generator's own CPU time."""

import os
import shutil
import struct
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from experiments.deploy.fleet import Fleet
from experiments.deploy.process import ChildProcess, ProcessError
from experiments.goals.batches import web_batches
from experiments.goals.gateway import running
from experiments.machine.generator import spec_of
from experiments.peers.contest import Contest, Score
from loadgen.model.arrivals.drain import Drain
from loadgen.model.fleet import AgentClass
from system.wire.packing import message_header

BATCH_SIZE: Final = 10
AGENTS: Final = 50
#: Batches of the swarm's turn, and seconds of Locust's.
BATCHES: Final = 60_000
LOCUST_S: Final = 6
_START_S: Final = 30.0
_TURN_S: Final = 60.0


def contest(locust: str | None) -> Contest:
    """Both, one connection an agent or user. `locust`: the program, if it isn't on the PATH."""
    program = locust or shutil.which("locust")
    missing = {}
    if program is None:
        missing["locust"] = "locust is not installed: put it into an environment of its own and name it by --locust"
    return Contest(
        f"generators, batches of {BATCH_SIZE} into the same gateway",
        "batches",
        f"{AGENTS} connections each, every batch acknowledged once it is in the broker. The swarm has up to eight batches of"
        " an agent under way and writes each down for the ledger; a Locust user waits for each answer and keeps sums.",
        {"caudal": swarm, "locust": lambda: _locust(str(program))},
        missing,
    )


def swarm() -> Score:
    """A backlog, cut at once."""
    kind = AgentClass(
        name="all", agents=AGENTS, arrivals=Drain(backlog_batches=BATCHES), batch_size=BATCH_SIZE, timeout_s=0.5
    )
    with tempfile.TemporaryDirectory(prefix="caudal-peers-") as name, running(Path(name)) as (_, address):
        spec = msgspec.structs.replace(
            spec_of(kind, Path(name), 1.0), host=address.host, port=address.port, inflight_batches=8
        )
        fleet = Fleet(spec, ())
        try:
            fleet.wait("ready", _START_S)
            before, begun = fleet.cpu_s(), time.monotonic()
            fleet.tell(f"go {time.monotonic_ns()}")
            fleet.wait("idle", _TURN_S)
            took_s, spent_s = time.monotonic() - begun, fleet.cpu_s() - before
            return Score(BATCHES / took_s, BATCHES / spent_s)
        finally:
            fleet.end()


def _locust(program: str) -> Score:
    """Headless and in one process; batches by the gateway's own count, CPU time while it runs at full number."""
    with tempfile.TemporaryDirectory(prefix="caudal-peers-") as name, running(Path(name)) as (target, address):
        messages = Path(name) / "messages"
        bodies = [message_header(b"caudal", len(one)) + one for one in web_batches(BATCH_SIZE)]
        messages.write_bytes(b"".join(struct.pack(">I", len(one)) + one for one in bodies))
        file = str(Path(__file__).with_name("locust_user.py"))
        words = [
            "-f", file, "--headless", "-u", str(AGENTS), "-r", str(AGENTS), "-t", f"{LOCUST_S + 30}s", "--only-summary",
        ]  # fmt: skip
        told = {"PEER_HOST": address.host, "PEER_PORT": str(address.port), "PEER_MESSAGES": str(messages)}
        locust = ChildProcess("locust", [os.path.abspath(program), *words], Path(name), environment=told)
        try:
            until = time.monotonic() + _START_S
            while target.counters().get("batches_accepted", 0) < 10 * AGENTS:
                locust.check_alive()
                if time.monotonic() > until:
                    raise ProcessError(f"locust sent nothing within {_START_S:g} s; see its log")
                time.sleep(0.05)
            first, before, begun = target.counters()["batches_accepted"], locust.cpu_s(), time.monotonic()
            time.sleep(LOCUST_S)
            last, spent_s, took_s = (
                target.counters()["batches_accepted"],
                locust.cpu_s() - before,
                time.monotonic() - begun,
            )
            return Score((last - first) / took_s, (last - first) / spent_s)
        finally:
            locust.stop(0.0)
