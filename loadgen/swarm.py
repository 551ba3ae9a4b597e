"""The swarm: plays the batches of the virtual agents that are dealt to this process.

Open loop: the schedule says when each batch is cut, and nothing that the system does changes that. `saturate` and
`drain` are full-load modes: a fixed number of unanalysed batches is kept in the system, or a backlog is laid down.

Spoken to by its parent in lines: it says `connecting` when it has rendered its records and counts, `ready` when all its
connections stand, `loaded` when the last batch was cut and `idle` when every batch was answered; it is told `go MONO_NS`
(when the load starts), `storm SHARE` (lose so many of the connections now) and `stop`.
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from loadgen import open_files
from loadgen.account import Account
from loadgen.agent import VirtualAgent
from loadgen.lateness import Lateness, lateness
from loadgen.link import Link
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.arrivals.saturate import Saturate
from loadgen.model.fleet import AgentClass, numbers
from loadgen.model.records.files import from_files
from loadgen.model.records.ring import Mix, Ring, synthetic
from loadgen.model.schedule import batches
from loadgen.plan import Plan
from loadgen.player import Player
from loadgen.progress import Progress, recorder_names
from loadgen.ring import PackedRing
from loadgen.spec import RecordsSpec, SwarmSpec

try:
    from uvloop import new_event_loop as _new_loop
except ImportError:  # it doesn't install everywhere
    from asyncio import new_event_loop as _new_loop  # type: ignore[assignment]

#: How often a saturating swarm looks whether result rows made room in its window. A batch of 1000 records takes workers
#: about 1 ms, so a window of dozens of batches never runs dry between two looks.
WINDOW_LOOK_S: Final = 0.001

#: Connections that are tried at once at the start: the listen backlog is 128 on older kernels.
CONNECTING: Final = 100


class Swarm:
    """The virtual agents of one process."""

    def __init__(self, spec: SwarmSpec) -> None:
        ring = PackedRing(render(spec.records, spec.seed), max(one.batch_size for one in spec.classes))
        self.account = Account(Path(spec.folder), spec.process)
        self._spec = spec
        self._links: dict[int, Link] = {}
        self._agents: dict[int, VirtualAgent] = {}
        for one, numbered in zip(spec.classes, numbers(spec.classes), strict=True):
            for number in numbered:
                connection = number // spec.agents_per_connection
                if connection % spec.processes == spec.process:
                    self._add(number, one, connection, ring)
        #: How late the schedule was played (`lateness.lateness`); empty under full load.
        self.lateness: dict[str, int] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    def _add(self, number: int, kind: AgentClass, connection: int, ring: PackedRing) -> None:
        spec = self._spec
        link = self._links.get(connection)
        if link is None:
            link = self._links[connection] = Link(connection, spec, ring, self.account, self._begin_connect)
        agent = VirtualAgent(
            number, link, self.account, pause_s=kind.pause_s, inflight_batches=spec.inflight_batches,
            buffer_batches=spec.buffer_batches,
        )  # fmt: skip
        link.add(agent)
        self._agents[number] = agent

    def _cut(self, agent: int, count: int, cut_mono_ns: int) -> None:
        """Cuts an agent's next batch."""
        self.account.cut(count)
        self._agents[agent].offer(count, cut_mono_ns)

    def _begin_connect(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(link))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, link: Link) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: link, self._spec.host, self._spec.port)
        except OSError:
            link.refused()

    async def run(self) -> None:
        """The swarm's life: connect, wait for `go`, play, wait for `stop`."""
        print("connecting", flush=True)
        commands = await _commands()
        plan = self.plan()
        await self._connect_all()
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

    def plan(self) -> Plan | None:
        """The schedule of this process's agents; None under full load."""
        spec = self._spec
        if not isinstance(spec.classes[0].arrivals, OpenLoopProcess):
            return None
        parts = batches(
            spec.classes, seed=spec.seed, horizon_s=spec.horizon_s, sources=spec.sources,
            agents_per_connection=spec.agents_per_connection, processes=spec.processes, process=spec.process,
        )  # fmt: skip
        return Plan(parts, round(spec.horizon_s * 1e9), Path(spec.folder))

    async def _connect_all(self) -> None:
        links = list(self._links.values())
        for at in range(0, len(links), CONNECTING):
            for link in links[at : at + CONNECTING]:
                self._begin_connect(link)
            while self._connecting:
                await asyncio.wait(self._connecting)
        while self.account.progress["connected"] < len(links):  # noqa: ASYNC110 - they also come back by themselves
            await asyncio.sleep(0.01)

    async def _listen(self, commands: asyncio.StreamReader) -> None:
        while (word := (await commands.readline()).split()) and word[0] == b"storm":
            self._storm(float(word[1]))
        self._stop.set()  # `stop`, or the parent is gone: both end the swarm

    def _storm(self, share: float) -> None:
        """Loses this share of the connections at once, spread evenly over them, so that every class has its part."""
        for place, link in enumerate(self._links.values()):
            if int((place + 1) * share) > int(place * share):
                link.cut()

    async def _play(self, plan: Plan | None, start_mono_ns: int) -> None:
        losses = self._spec.disconnects
        if losses is not None:
            for link in self._links.values():
                link.lose(losses.every_s, losses.down_s)
        arrivals = self._spec.classes[0].arrivals
        if plan is not None:
            await self._open_loop(plan, start_mono_ns)
        elif isinstance(arrivals, Saturate):
            await self._saturate(arrivals, start_mono_ns)
        elif isinstance(arrivals, Drain):
            for number in range(arrivals.backlog_batches):
                agent = number % self._spec.agents
                if agent in self._agents:
                    self._cut(agent, self._spec.classes[0].batch_size, time.monotonic_ns())
        for link in self._links.values():
            link.keep()
        self.account.progress.set("loaded", 1)
        print("loaded", flush=True)

    async def _open_loop(self, plan: Plan, start_mono_ns: int) -> None:
        late = Lateness(start_mono_ns + round(self._spec.horizon_s * 1e9), Path(self._spec.folder))
        player = Player(plan.pieces(), start_mono_ns, self._cut, late.note)
        playing, stop = asyncio.ensure_future(player.play()), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((playing, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if playing.done():
            playing.result()  # a schedule that couldn't be played to its end ends the swarm
        playing.cancel()
        self.lateness = lateness(late.found())

    async def _saturate(self, arrivals: Saturate, start_mono_ns: int) -> None:
        spec, batch_size = self._spec, self._spec.classes[0].batch_size
        rows = Progress.read(Path(spec.rows_progress), recorder_names(spec.processes))
        end = start_mono_ns + round(spec.horizon_s * 1e9)
        # The window is the whole swarm's: each process keeps its part of it, and sees what became of its own batches.
        window = arrivals.window(batch_size)
        window = window // spec.processes + (spec.process < window % spec.processes)
        agents, ended = list(self._agents), f"ended_{spec.process}"
        turn = cut = 0
        while (now := time.monotonic_ns()) < end and not self._stop.is_set():
            if now < start_mono_ns:
                await asyncio.sleep((start_mono_ns - now) / 1e9)
                continue
            gone = rows[ended] + self.account.progress["overflowed_batches"]
            room = window - (cut - gone)
            for _ in range(room):
                self._cut(agents[turn], batch_size, time.monotonic_ns())
                turn = (turn + 1) % len(agents)
            cut += max(room, 0)
            await asyncio.sleep(WINDOW_LOOK_S * spec.processes)  # together they look as often as one would

    async def _idle(self) -> None:
        while not self._stop.is_set() and self.account.open_batches:  # noqa: ASYNC110 - no event an ack
            await asyncio.sleep(0.005)
        if not self._stop.is_set():
            print("idle", flush=True)

    def _close(self) -> None:
        for link in self._links.values():
            link.close()
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
    open_files.allow(-(-spec.agents // (spec.agents_per_connection * spec.processes)))
    swarm = Swarm(spec)
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(swarm.run())
    account = swarm.account
    counted = {"bad_acks": account.bad_acks, "reconnects": account.progress["reconnects"]}
    print(json.dumps(counted | swarm.lateness), flush=True)


if __name__ == "__main__":
    main()
