"""Swarm processes over real sockets: however the agents are dealt, each sends the bytes that it would from one process.

A server of the test's own takes what they send, acknowledges it, and keeps it by agent.
"""

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from loadgen.batchlog import BATCH, RESENT
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass
from loadgen.model.schedule import in_order, of_fleet
from loadgen.spec import Disconnects, RecordsSpec, SwarmSpec
from system.wire.chunk import parse_chunk
from system.wire.framing import FrameReader

SEED, HORIZON_S = 11, 0.5
CLASSES = (
    AgentClass(name="steady", agents=7, arrivals=Poisson(rate_per_s=300.0), batch_size=10, timeout_s=0.1),
    AgentClass(name="quiet", agents=5, arrivals=Poisson(rate_per_s=20.0), batch_size=10, timeout_s=0.05),
)
FULL = (AgentClass(name="all", agents=5, arrivals=Drain(backlog_batches=33), batch_size=10, timeout_s=0.1),)

#: What all agents of CLASSES send, agent by agent.
SENT = "9affe479a308dcadd06fb76dafcb3b5d"


class Server:
    """Takes Forward messages, acknowledges each, and keeps its packed records by (agent, first)."""

    def __init__(self) -> None:
        self.messages: dict[tuple[int, int], bytes] = {}
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        frames = FrameReader(1 << 24)
        try:
            while data := await reader.read(1 << 16):
                for envelope in frames.feed(data):
                    chunk = parse_chunk(envelope.chunk or b"")
                    assert chunk is not None
                    said = envelope.tag + (envelope.chunk or b"") + bytes(envelope.packed)
                    assert self.messages.setdefault((chunk.agent, chunk.first), said) == said
                    writer.write(envelope.ack or b"")
        except ConnectionError:
            pass
        finally:
            writer.close()

    def fingerprint(self) -> str:
        """Of all messages, agent by agent, in the order of their records."""
        return hashlib.blake2b(
            b"".join(self.messages[key] for key in sorted(self.messages)), digest_size=16
        ).hexdigest()


async def play(
    folder: Path, words: list[tuple[float, str]], **changes: Any
) -> tuple[Server, list[dict[str, int]], int]:
    """Runs the processes of a swarm against a server; `words` are told so many seconds after the load's start."""
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    spec = SwarmSpec(
        **{
            "host": "127.0.0.1", "port": listening.sockets[0].getsockname()[1], "folder": str(folder), "rows_progress": "",
            "epoch": 99, "seed": SEED, "classes": CLASSES, "inflight_batches": 8, "buffer_batches": 1000,
            "horizon_s": HORIZON_S, "records": RecordsSpec(mix={"web": 1.0}, ring_size=512), **changes,
        }
    )  # fmt: skip
    processes = []
    for number in range(spec.processes):
        path = folder / f"{number}.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(spec, process=number)))
        processes.append(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "loadgen.swarm", str(path),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )
        )  # fmt: skip

    def tell(line: str) -> None:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(line.encode() + b"\n")

    async def said(word: str) -> list[str]:
        found = []
        for process in processes:
            assert process.stdout is not None
            line = ""
            while not line.startswith(word):
                line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
                assert line, f"a process ended before it said {word}"
            found.append(line)
        return found

    await said("ready")
    start = time.monotonic_ns() + 50_000_000
    tell(f"go {start}")
    for at_s, word in words:
        await asyncio.sleep(max(0.0, (start - time.monotonic_ns()) / 1e9 + at_s))  # an instant of the load's own clock
        tell(word)
    await said("idle")
    tell("stop")
    counted = [json.loads(line) for line in await said("{")]
    for process in processes:
        await process.wait()
    listening.close()
    return server, counted, start


def logged(folder: Path) -> np.ndarray:
    return np.concatenate([np.fromfile(path, BATCH) for path in folder.glob("batches-*.bin")])


@pytest.mark.integration
def test_every_dealing_sends_the_same_bytes_agent_by_agent(tmp_path: Path) -> None:
    seen = {}
    for processes, together in ((1, 1), (3, 1), (2, 4), (1, 12)):
        folder = tmp_path / f"{processes}-{together}"
        folder.mkdir()
        server, counted, start = asyncio.run(play(folder, [], processes=processes, agents_per_connection=together))
        assert server.connections == -(-12 // together)
        rows = logged(folder)
        plan = of_fleet(CLASSES, seed=SEED, horizon_s=HORIZON_S)
        played = in_order(*(rows[name].astype(np.int64) for name in ("cut_mono_ns", "agent", "first", "count")))
        moved = in_order(plan.time_ns + start, plan.agent, plan.first, plan.count)
        assert played.fingerprint() == moved.fingerprint()
        assert len(server.messages) == len(plan.time_ns) > 100
        assert sum(one["paced"] for one in counted) == (plan.time_ns < HORIZON_S * 1e9).sum()
        seen[processes, together] = server.fingerprint()
    assert set(seen.values()) == {SENT}


@pytest.mark.integration
def test_a_backlog_is_dealt_too(tmp_path: Path) -> None:
    seen = set()
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        server, _, _ = asyncio.run(play(folder, [], classes=FULL, processes=processes))
        assert len(server.messages) == 33
        seen.add(server.fingerprint())
    assert len(seen) == 1


@pytest.mark.integration
def test_storms_and_disconnects_delay_sending_and_neither_cutting_nor_delivery(tmp_path: Path) -> None:
    server, (counted,), start = asyncio.run(
        play(tmp_path, [(0.1, "storm 1.0"), (0.3, "storm 0.5")], disconnects=Disconnects(every_s=0.3, down_s=0.05))
    )
    rows = logged(tmp_path)
    plan = of_fleet(CLASSES, seed=SEED, horizon_s=HORIZON_S)
    assert (
        in_order(*(rows[name].astype(np.int64) for name in ("cut_mono_ns", "agent", "first", "count"))).fingerprint()
        == in_order(plan.time_ns + start, plan.agent, plan.first, plan.count).fingerprint()
    )
    assert (rows["acked_mono_ns"] > 0).all()
    assert server.fingerprint() == SENT
    assert counted["reconnects"] >= 12 + 6
    # One that was lost at the very end need not have come back.
    assert counted["reconnects"] <= server.connections <= 12 + counted["reconnects"]
    assert counted["bad_acks"] == 0
    waited = (rows["sent_mono_ns"] - rows["cut_mono_ns"]).max()
    assert waited > 10_000_000 or (rows["flags"] & RESENT).any()  # the losses bit
