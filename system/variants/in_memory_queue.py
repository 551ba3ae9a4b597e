"""Variant `in_memory_queue`: a `multiprocessing.Queue` in the place of Redis and Celery. `python -m` it with an address.

The gateway is the real one; its publisher puts batches into the queue and acknowledges. Consumers are forked from it, as many
as there would be worker children, scan with the real engine, and are replaced when they die. Redis takes the result rows
alone: they are the instrument's. What the queue holds dies with this process, and what a consumer had in hand with it.
"""

import asyncio
import contextlib
import multiprocessing
import os
import queue
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.queues import Queue
from typing import Final

from redis.exceptions import RedisError

from system import open_files
from system.allocator import keep_freed_memory
from system.broker.batch import Batch
from system.broker.connect import client, wait_for_broker
from system.broker.payload import Payload
from system.broker.presence import Presence
from system.broker.publisher import Outcome
from system.engine import registry as engines
from system.engine.engine import SignatureEngine
from system.gateway.server import Gateway, serve
from system.settings import Process, from_environment
from system.signatures.loaders import load
from system.signatures.model import Signature
from system.wire.joined import Part
from system.worker.analyst import Analyst
from system.worker.child import STAMP_AFTER_S

try:
    from uvloop import new_event_loop as _new_loop
except ImportError:  # it doesn't install everywhere
    from asyncio import new_event_loop as _new_loop  # type: ignore[assignment]

#: A batch on its way: its id, and what a payload in Redis would hold.
Item = tuple[bytes, Payload]

#: How often it is looked whether a consumer died.
WATCH_S: Final = 0.1

#: What consumers may take at the end for what is queued. One that was killed while it took a batch has left the queue's lock
#: held: the others then wait for ever, and what is queued is lost.
GRACE_S: Final = 3.0


class QueuePublisher:
    """Puts batches into the queue. What is in it is this process's memory, so that nothing waits."""

    def __init__(self, batches: "Queue[Item | None]") -> None:
        self._batches = batches

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        """See `Publisher`. There is no journal: nothing is known."""
        now = time.monotonic_ns()
        for batch in batches:
            held = Payload(batch.gzip, batch.received_mono_ns, now, Part(bytes(batch.packed), 0))
            self._batches.put((batch.id, held))
        return [Outcome.ACCEPTED] * len(batches)

    async def close(self) -> None:
        """Holds nothing but the queue."""


class Consumers:
    """The consumers, and what replaces one that died."""

    def __init__(
        self, process: Process, signatures: Sequence[Signature], engine: SignatureEngine, batches: "Queue[Item | None]"
    ) -> None:
        self._context: ForkContext = multiprocessing.get_context("fork")
        self._arguments = (process, signatures, engine, batches)
        self._batches = batches
        self._living = [self._started(number) for number in range(process.concurrency)]

    def _started(self, number: int) -> ForkProcess:
        one = self._context.Process(target=consume, args=(*self._arguments, number), name=f"consumer {number}")
        one.start()
        return one

    async def watch(self) -> None:
        """Replaces those that die, for ever."""
        while True:
            await asyncio.sleep(WATCH_S)
            self._living = [one if one.is_alive() else self._started(place) for place, one in enumerate(self._living)]

    def stop(self, grace_s: float) -> None:
        """Lets them work off what is queued, as long as that takes no longer than `grace_s`."""
        for _ in self._living:
            self._batches.put(None)
        until = time.monotonic() + grace_s
        for one in self._living:
            one.join(max(0.0, until - time.monotonic()))
            one.kill()


def consume(
    process: Process,
    signatures: Sequence[Signature],
    engine: SignatureEngine,
    batches: "Queue[Item | None]",
    number: int,
) -> None:
    """A consumer's life: takes a batch, scans it, writes its row. Ends at a None."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)  # the parent says when
    if process.child_cpus:
        os.sched_setaffinity(0, process.child_cpus)
    analyst = Analyst(process, signatures, engine, client(process.redis_url), number)
    while True:
        try:
            item = batches.get(timeout=STAMP_AFTER_S)
        except queue.Empty:
            ship(analyst)
            continue
        if item is None:
            ship(analyst)
            return
        identity, held = item
        analyst.analyse_held(identity, held)


def ship(analyst: Analyst) -> None:
    """Ships the last commit's instant, when no next row has come to carry it."""
    with contextlib.suppress(RedisError):  # the row stands; only this commit's instant stays unknown
        analyst.stamp()


async def run(process: Process, host: str, port: int, consumers: Consumers, batches: "Queue[Item | None]") -> None:
    """Serves until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await serve(Gateway(QueuePublisher(batches), process.system.limits), host, port)
    watching = asyncio.create_task(consumers.watch())
    print(f"ready {server.host}:{server.port}", flush=True)
    await stop.wait()
    watching.cancel()
    await server.close()


def main() -> None:
    """Reads the address from the command line; forks the consumers before any thread and any loop is there."""
    keep_freed_memory()
    host, _, port = sys.argv[1].rpartition(":")
    process = from_environment()
    open_files.ask_for(process.system.limits.connections)
    wait_for_broker(process.redis_url, "gateway")
    signatures = load(process.system.rules)
    engine = engines.build(process.system.engine, signatures, process.system)
    batches: Queue[Item | None] = multiprocessing.get_context("fork").Queue()
    consumers = Consumers(process, signatures, engine, batches)
    with Presence(process, "gateway"), asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(run(process, host, int(port), consumers, batches))
    consumers.stop(GRACE_S)
    batches.cancel_join_thread()


if __name__ == "__main__":
    main()
