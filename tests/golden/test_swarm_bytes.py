"""Golden fingerprints of what a swarm sends: schedules, the packed ring, and the very bytes of an agent's first messages.

The same config and seed send the same bytes, today and after every upgrade. A change here makes results unlike those
before it: it is a commit of its own, and says why. A failing test shows the new value.
"""

import hashlib
from typing import Any

import msgspec
import pytest

from loadgen.agent import VirtualAgent
from loadgen.link import Link
from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass
from loadgen.model.schedule import of_fleet, schedule
from loadgen.model.truth import offset
from loadgen.progress import SWARM
from loadgen.ring import PackedRing
from loadgen.spec import RecordsSpec, SwarmSpec
from loadgen.swarm import render
from system.wire.chunk import parse_chunk
from system.wire.framing import FrameReader
from system.wire.records import locate

POISSON = Poisson(rate_per_s=200.0)

SCHEDULES: list[tuple[Any, dict[str, Any], int, str]] = [
    (
        POISSON,
        {"seed": 7, "agents": 20, "batch_size": 100, "timeout_s": 0.5, "horizon_s": 12.0},
        504,
        "26622257806e34eab7f1238a566268d4",
    ),
    (
        POISSON,
        {"seed": 8, "agents": 3, "batch_size": 10, "timeout_s": 0.05, "horizon_s": 5.0},
        332,
        "da9b66cf13b654f894f514758b82b297",
    ),
    (
        Constant(rate_per_s=1000.0),
        {"seed": 7, "agents": 5, "batch_size": 1000, "timeout_s": 1.0, "horizon_s": 2.5},
        15,
        "0dd8f1db4481c35c8af7c3c173e0abcb",
    ),
]

RECORDS = RecordsSpec(attack_ratio=0.02, mix={"web": 7.0, "sshd": 2.0, "app": 1.0}, ring_size=2048)
RING = "efb2fa81e8a8bb771bb66cff4a5967d3"

#: The first 20 messages of an agent: its number, their bytes, their fingerprint.
MESSAGES = [
    (0, 85153, "d32aeddc40a6542cfb443c74861d162b"),
    (7, 83539, "54f758a6273d90cca6a7108a5f8080c5"),
]


ALIKE = AgentClass(name="all", agents=8, arrivals=POISSON, batch_size=25, timeout_s=0.1)


def spec() -> SwarmSpec:
    return SwarmSpec(
        host="127.0.0.1", port=1, folder=".", rows_progress="", epoch=0x0123_4567_89AB_CDEF, seed=7, classes=(ALIKE,),
        inflight_batches=1000, buffer_batches=1000, horizon_s=5.0, records=RECORDS,
    )  # fmt: skip


def fingerprint(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def writelines(self, parts: Any) -> None:
        self.sent.append(b"".join(parts))

    def write(self, data: bytes) -> None:
        self.sent.append(bytes(data))


class Counting:
    """As much of an account as a connection needs before its first acknowledgement."""

    def __init__(self) -> None:
        self.progress = self

    def add(self, name: str, amount: int = 1) -> None:
        assert name in SWARM

    def sent(self, batch: Any) -> None:
        assert batch.count >= 1

    def wrote(self, size_bytes: int) -> None:
        assert size_bytes > 0


def first_messages(agent: int, most: int = 20) -> list[bytes]:
    """What the agent writes for the first of its batches in the schedule."""
    given = spec()
    plan = of_fleet(given.classes, seed=given.seed, horizon_s=given.horizon_s)
    ring = PackedRing(render(given.records, given.seed), given.classes[0].batch_size)
    account, wire = Counting(), Wire()
    link = Link(agent, given, ring, account, lambda _: None)  # type: ignore[arg-type]
    one = VirtualAgent(
        agent,
        link,
        account,
        pause_s=0.0,
        inflight_batches=given.inflight_batches,
        buffer_batches=given.buffer_batches,  # type: ignore[arg-type]
    )
    link.add(one)
    link.connection_made(wire)  # type: ignore[arg-type]
    for count in plan.count[plan.agent == agent][:most].tolist():
        one.offer(count, 0)
    return wire.sent


@pytest.mark.parametrize(("arrivals", "arguments", "batches", "expected"), SCHEDULES)
def test_a_schedule_is_the_one_that_was_played_before(
    arrivals: Any, arguments: dict[str, Any], batches: int, expected: str
) -> None:
    plan = schedule(arrivals, **arguments)
    assert (len(plan.count), plan.fingerprint()) == (batches, expected)


def test_the_packed_ring_has_the_bytes_it_had() -> None:
    ring = PackedRing(render(RECORDS, 7), 100)
    start = ring.slice(0, 0, 100)
    assert fingerprint(bytes(start.obj)) == RING  # type: ignore[arg-type]


@pytest.mark.parametrize(("agent", "size_bytes", "expected"), MESSAGES)
def test_the_first_messages_of_an_agent_have_the_bytes_they_had(agent: int, size_bytes: int, expected: str) -> None:
    sent = b"".join(first_messages(agent))
    assert (len(sent), fingerprint(sent)) == (size_bytes, expected)


@pytest.mark.parametrize("agent", [0, 7])
def test_those_bytes_are_messages_that_the_gateway_and_the_worker_read(agent: int) -> None:
    given, lines = spec(), render(RECORDS, 7).lines
    envelopes = list(FrameReader(1 << 20).feed(b"".join(first_messages(agent))))
    assert len(envelopes) == 20
    number = 0
    for envelope in envelopes:
        chunk = parse_chunk(envelope.chunk or b"")
        assert chunk is not None
        assert (envelope.tag, chunk.epoch, chunk.agent, chunk.first) == (b"caudal", given.epoch, agent, number)
        found = locate(envelope.packed)
        assert (len(found.starts), found.malformed) == (chunk.count, 0)
        for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True):
            assert found.buffer[start:end] == lines[(offset(agent, RECORDS.ring_size) + number) % RECORDS.ring_size]
            number += 1


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"epoch": 1}, {"tag": "other"}, {"batch_size": 24}, {"timeout_s": 0.05}, {"horizon_s": 0.5}]
)
def test_the_fingerprint_sees_every_setting_that_changes_the_bytes(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    before = b"".join(first_messages(0, 40))
    alike = {name: value for name, value in change.items() if name in AgentClass.__struct_fields__}
    rest = {name: value for name, value in change.items() if name not in alike}
    changed = msgspec.structs.replace(spec(), classes=(msgspec.structs.replace(ALIKE, **alike),), **rest)
    monkeypatch.setitem(globals(), "spec", lambda: changed)
    assert b"".join(first_messages(0, 40)) != before
