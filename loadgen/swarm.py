"""The swarm: plays the batches of all virtual agents in one process.

Open loop: the schedule says when each batch is cut, and nothing that the system does changes that. `saturate` and
`drain` are full-load modes: a fixed number of unanalysed batches is kept in the system, or a backlog is laid down.

Spoken to by its parent in lines: it says `ready` when all agents are connected, `loaded` when the last batch was cut and
`idle` when every batch was answered; it is told `go MONO_NS` (when the load starts) and `stop`.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from loadgen.account import Account
from loadgen.agent import VirtualAgent
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.arrivals.saturate import Saturate
from loadgen.model.records.files import from_files
from loadgen.model.records.ring import Mix, Ring, synthetic
from loadgen.model.schedule import Schedule, schedule
from loadgen.player import Player, lateness
from loadgen.progress import RECORDER, Progress
from loadgen.ring import PackedRing
from loadgen.spec import RecordsSpec, SwarmSpec

try:
    from uvloop import new_event_loop as _new_loop
except ImportError:  # it doesn't install everywhere
    from asyncio import new_event_loop as _new_loop  # type: ignore[assignment]

#: How often a saturating swarm looks whether result rows made room in its window. A batch of 1000 records takes workers
#: about 1 ms, so a window of dozens of batches never runs dry between two looks.
WINDOW_LOOK_S: Final = 0.001

#: Agents that connect at once at the start: the listen backlog is 128 on older kernels.
CONNECTING: Final = 100


class Swarm:
    """All virtual agents of one process."""

    def __init__(self, spec: SwarmSpec) -> None:
        ring = PackedRing(render(spec.records, spec.seed), spec.batch_size)
        self.account = Account(Path(spec.folder))
        self._spec = spec
        self._agents = [
            VirtualAgent(number, spec, ring, self.account, self._begin_connect) for number in range(spec.agents)
        ]
        #: How late the schedule was played (`player.lateness`); empty under full load.
        self.lateness: dict[str, int] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    def _cut(self, agent: VirtualAgent, count: int, cut_mono_ns: int) -> None:
        """Cuts an agent's next batch."""
        self.account.cut(count)
        agent.offer(count, cut_mono_ns)

    def _begin_connect(self, agent: VirtualAgent) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(agent))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, agent: VirtualAgent) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: agent, self._spec.host, self._spec.port)
        except OSError:
            agent.refused()

    async def run(self) -> None:
        """The swarm's life: connect, wait for `go`, play, wait for `stop`."""
        commands = await _commands()
        plan = None
        spec = self._spec
        if isinstance(spec.arrivals, OpenLoopProcess):
            plan = schedule(
                spec.arrivals, seed=spec.seed, agents=spec.agents, batch_size=spec.batch_size,
                timeout_s=spec.timeout_s, horizon_s=spec.horizon_s, sources=spec.sources,
            )  # fmt: skip
        for at in range(0, len(self._agents), CONNECTING):
            for agent in self._agents[at : at + CONNECTING]:
                self._begin_connect(agent)
            while self._connecting:
                await asyncio.wait(self._connecting)
        while self.account.progress["connected"] < len(self._agents):  # noqa: ASYNC110 - they also come back by themselves
            await asyncio.sleep(0.01)
        gc.collect()
        gc.freeze()  # what is there stays: a collection that goes through the ring's 16,384 records takes milliseconds
        print("ready", flush=True)
        word = (await commands.readline()).split()
        if word and word[0] == b"go":
            listener = asyncio.create_task(self._listen(commands))
            await self._play(plan, int(word[1]))
            await self._idle()
            await self._stop.wait()
            listener.cancel()
        self._close()

    async def _listen(self, commands: asyncio.StreamReader) -> None:
        await commands.readline()  # `stop`, or the parent is gone: both end the swarm
        self._stop.set()

    async def _play(self, plan: Schedule | None, start_mono_ns: int) -> None:
        if plan is not None:
            await self._open_loop(plan, start_mono_ns)
        elif isinstance(self._spec.arrivals, Saturate):
            await self._saturate(self._spec.arrivals, start_mono_ns)
        elif isinstance(self._spec.arrivals, Drain):
            for number in range(self._spec.arrivals.backlog_batches):
                self._cut(self._agents[number % len(self._agents)], self._spec.batch_size, time.monotonic_ns())
        self.account.progress.set("loaded", 1)
        print("loaded", flush=True)

    async def _open_loop(self, plan: Schedule, start_mono_ns: int) -> None:
        player = Player(plan, start_mono_ns, lambda agent, count, due: self._cut(self._agents[agent], count, due))
        playing, stop = asyncio.ensure_future(player.play()), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((playing, stop), return_when=asyncio.FIRST_COMPLETED)
        for one in (playing, stop):
            one.cancel()
        # All that is held is cut at the horizon at once: a heap, which says nothing about keeping a schedule.
        self.lateness = lateness(player.late_ns[plan.time_ns < round(self._spec.horizon_s * 1e9)])

    async def _saturate(self, arrivals: Saturate, start_mono_ns: int) -> None:
        rows = Progress.read(Path(self._spec.rows_progress), RECORDER)
        end = start_mono_ns + round(self._spec.horizon_s * 1e9)
        window = arrivals.window(self._spec.batch_size)
        turn = cut = 0
        while (now := time.monotonic_ns()) < end and not self._stop.is_set():
            if now < start_mono_ns:
                await asyncio.sleep((start_mono_ns - now) / 1e9)
                continue
            gone = rows["batches"] + rows["dead_batches"] + self.account.progress["overflowed_batches"]
            room = window - (cut - gone)
            for _ in range(room):
                self._cut(self._agents[turn], self._spec.batch_size, time.monotonic_ns())
                turn = (turn + 1) % len(self._agents)
            cut += max(room, 0)
            await asyncio.sleep(WINDOW_LOOK_S)

    async def _idle(self) -> None:
        while not self._stop.is_set() and not all(agent.idle for agent in self._agents):  # noqa: ASYNC110 - no event an ack
            await asyncio.sleep(0.005)
        if not self._stop.is_set():
            print("idle", flush=True)

    def _close(self) -> None:
        for agent in self._agents:
            agent.close()
        self.account.close()


def render(records: RecordsSpec, seed: int) -> Ring:
    """The ring that a spec names."""
    if records.source == "files":
        return from_files(records.paths)
    return synthetic(seed, records.ring_size, records.attack_ratio, Mix.of(records.mix))


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def main() -> None:
    """`python -m loadgen.swarm SPEC.json`."""
    spec = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=SwarmSpec)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = spec.agents + 100
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    swarm = Swarm(spec)
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(swarm.run())
    account = swarm.account
    counted = {"bad_acks": account.bad_acks, "reconnects": account.progress["reconnects"]}
    print(json.dumps(counted | swarm.lateness), flush=True)


if __name__ == "__main__":
    main()
