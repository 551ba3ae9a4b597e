"""The agent: ships a source's lines to a gateway, in batches of BATCH_SIZE or after TIMEOUT.

Flow: a source -> a record with its arrival instant -> buffer -> cut batches -> Client. A record arrives when the agent
takes its line; that instant starts TIMEOUT (monotonic clock) and is the record's EventTime (wall clock).

Invariants: each line is one record, numbered from 0 in the order of the source; at the end of the input the buffer is
closed and all acks are waited for, so `ship` returns when the gateway has taken responsibility for every record, or
after an interrupt with the number of those for which it hasn't. A chunk id names (epoch, agent, first record, count).
Without a position every run has another epoch, so deduplication never takes a second run's records for repeats of the
first; with one, all runs are one stream, and what is sent again bears the same ids (position.py).
"""

import asyncio
import contextlib
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from system.agent.buffer import Cut
from system.agent.client import Batch, Client, ClientOptions, Counts
from system.agent.errors import SourceError
from system.agent.position import Checkpoint
from system.agent.recutter import Recutter
from system.settings import Limits
from system.wire.chunk import Chunk
from system.wire.packing import pack_record

_LOG = logging.getLogger(__name__)

#: A message has at most so many bytes of packed records: what the gateway takes by default.
FRAME_BYTES: Final = Limits().frame_bytes

#: How long an interrupted agent goes on for acks, while it has a connection.
STOP_GRACE_S: Final = 5.0

#: How long an ack may stand unwritten while nothing is sent.
_KEEP_S: Final = 0.2

_NS_PER_S = 1_000_000_000


class Lines(Protocol):
    """What the agent needs of a source: the next lines, none at the end; how many lines were cut short."""

    @property
    def truncated(self) -> int: ...

    async def read(self) -> list[bytes]: ...


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What a run shipped: acknowledged `records` in `batches`.

    `dropped`: lines that no message has room for. `undelivered`: lines that were taken and neither dropped nor, before an
    interrupt, acknowledged. The rest is as in `Counts` and `Source`.
    """

    records: int
    batches: int
    resent: int
    reconnects: int
    connects_failed: int
    ack_timeouts: int
    bad_acks: int
    truncated: int
    dropped: int
    undelivered: int


def new_epoch(unix_ns: int, pid: int) -> int:
    """Gives the u64 of a run: its start, in steps of 256 ns, and the low 8 bits of the process id.

    Two runs of one agent differ by their start; two agents that were given one number by mistake differ by either.
    """
    return (unix_ns & ~0xFF | pid & 0xFF) & 0xFFFF_FFFF_FFFF_FFFF


async def ship(
    source: Lines,
    host: str,
    port: int,
    *,
    batch_size: int,
    timeout_s: float,
    pause_s: float = 0.0,
    tag: str = "caudal",
    agent: int = 0,
    epoch: int | None = None,
    checkpoint: Checkpoint | None = None,
    options: ClientOptions | None = None,
    stop: asyncio.Event | None = None,
    abandon: asyncio.Event | None = None,
    grace_s: float = STOP_GRACE_S,
    frame_bytes: int = FRAME_BYTES,
    counts: Counts | None = None,
    mono_ns: Callable[[], int] = time.monotonic_ns,
    unix_ns: Callable[[], int] = time.time_ns,
    draw: random.Random | None = None,
) -> Shipped:
    """Ships all lines of `source`, and returns when all are acknowledged.

    Args:
        source: the lines; the caller closes it.
        host, port: the gateway's. While it doesn't answer, the agent keeps trying.
        batch_size: records; a batch is sent when it has them.
        timeout_s: a batch is sent so long after its first record.
        pause_s: wait after each send.
        tag: the Forward tag.
        agent: the agent's number, u32: each agent of a fleet has its own.
        epoch: the run's number, u64; by default of the time and the process.
        checkpoint: keeps the position; then tag, agent and epoch are those in it.
        options: of the client; `pause_s` is taken from above.
        stop: when set, the source is read no further, and what was taken is shipped as at its end: for `grace_s` at most,
            and not at all if the gateway can't be reached.
        abandon: when set (after `stop`), that isn't waited for either.
        frame_bytes: a batch of more packed bytes is split into several messages, and a record of more is dropped.
        counts: where to count, for those who watch.
        mono_ns, unix_ns: the clocks; the monotonic one must be that of the event loop.
        draw: for the jitter of reconnects.

    Raises:
        SourceError: the source could be read no further, or the position not be written; what came before has been
            shipped.
        ValueError: a number is out of its range.
    """
    if not 0.0 < timeout_s < float("inf"):
        raise ValueError(
            f"timeout_s must be > 0 and finite, got {timeout_s}; to send each record alone give batch_size = 1"
        )
    if not 0 < port < 1 << 16:
        raise ValueError(f"port must be between 1 and 65535, got {port}")
    if not 0 <= agent < 1 << 32:
        raise ValueError(f"agent must be between 0 and 2**32 - 1, got {agent}")
    if frame_bytes < 1:
        raise ValueError(f"frame_bytes must be >= 1, got {frame_bytes}")
    epoch = new_epoch(unix_ns(), os.getpid()) if epoch is None else epoch
    first = 0
    batches: tuple[tuple[int, int], ...] = ()
    if checkpoint is not None:
        base = checkpoint.position
        tag, agent, epoch, first, batches = base.tag, base.agent, base.epoch, base.record, base.batches
    shipping = _Shipping(
        source,
        Client(
            host,
            port,
            tag=tag,
            options=msgspec.structs.replace(options or ClientOptions(), pause_s=pause_s),
            draw=draw,
            counts=counts,
            acknowledged=(lambda _: None) if checkpoint is None else _moving(checkpoint),
        ),
        Recutter(first, batches, batch_size, max(1, round(timeout_s * _NS_PER_S))),
        lambda cut, dropping: messages(cut, epoch, agent, frame_bytes, dropping),
        checkpoint,
        stop or asyncio.Event(),
        mono_ns,
        unix_ns,
    )
    return await shipping.run(abandon or asyncio.Event(), grace_s)


def _moving(checkpoint: Checkpoint) -> Callable[[Batch], None]:
    return lambda batch: checkpoint.acknowledged(batch.first)


class _Shipping:
    """One run of an agent."""

    def __init__(
        self,
        source: Lines,
        client: Client,
        buffer: Recutter,
        split: Callable[[Cut, Callable[[int, int], None]], Iterator[Batch]],
        checkpoint: Checkpoint | None,
        stop: asyncio.Event,
        mono_ns: Callable[[], int],
        unix_ns: Callable[[], int],
    ) -> None:
        self._source = source
        self._client = client
        self._buffer = buffer
        self._split = split
        self._checkpoint = checkpoint
        self._stop = stop
        self._mono_ns = mono_ns
        self._unix_ns = unix_ns
        self._taken = 0
        self._dropped = 0

    async def run(self, abandon: asyncio.Event, grace_s: float) -> Shipped:
        """See `ship`."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._client.run())
            delivering = tasks.create_task(self._deliver(running))
            giving_up = tasks.create_task(self._give_up(abandon, grace_s))
            keeping = tasks.create_task(self._keep())
            await asyncio.wait((delivering, giving_up), return_when=asyncio.FIRST_COMPLETED)
            failure = delivering.result() if delivering.done() else None
            for task in (delivering, running, giving_up, keeping):
                task.cancel()
        if self._checkpoint is not None and failure is None:
            self._checkpoint.flush()
        if failure is not None:
            raise failure
        counts = self._client.counts
        return Shipped(
            records=counts.records,
            batches=counts.batches,
            resent=counts.resent,
            reconnects=max(0, counts.connects - 1),
            connects_failed=counts.connects_failed,
            ack_timeouts=counts.ack_timeouts,
            bad_acks=counts.bad_acks,
            truncated=self._source.truncated,
            dropped=self._dropped,
            undelivered=self._taken - counts.records - self._dropped - self._buffer.skipped,
        )

    async def _deliver(self, running: "asyncio.Task[None]") -> SourceError | None:
        """Takes all lines and has them acknowledged; gives what kept it from taking more."""
        failure: SourceError | None = None
        try:
            await self._take_lines()
        except SourceError as error:
            failure = error  # what was taken before is shipped first
        try:
            if (cut := self._buffer.close(self._mono_ns())) is not None:
                await self._send(cut)
        except SourceError as error:
            failure = failure or error
        self._client.finish()
        await running
        return failure

    async def _give_up(self, abandon: asyncio.Event, grace_s: float) -> None:
        """Returns when an interrupted agent should no longer wait for acks."""
        await self._stop.wait()
        reasons = (asyncio.ensure_future(abandon.wait()), asyncio.ensure_future(self._client.until_in_vain()))
        try:
            await asyncio.wait(reasons, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for reason in reasons:
                reason.cancel()

    async def _keep(self) -> None:
        """Writes acks into the position also while nothing is sent."""
        while self._checkpoint is not None:
            await asyncio.sleep(_KEEP_S)
            # Where it can't be written, the next batch says so, and isn't sent.
            with contextlib.suppress(SourceError):
                self._checkpoint.flush()

    async def _send(self, cut: Cut) -> None:
        for batch in self._split(cut, self._drop):
            if self._checkpoint is not None:
                self._checkpoint.sending(batch.first, batch.records)
            await self._client.send(batch)

    def _drop(self, record: int, size_bytes: int) -> None:
        if not self._dropped:
            _LOG.warning(
                "line %d takes %d bytes, more than a message may have (--frame-bytes): dropped; further ones are counted",
                record,
                size_bytes,
            )
        self._dropped += 1
        if self._checkpoint is not None:
            self._checkpoint.dropping(record)

    async def _take_lines(self) -> None:
        """Moves lines into the buffer, and what it cuts to the client, until the source ends or `stop` is set."""
        reading = asyncio.ensure_future(self._source.read())
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            while True:
                deadline_ns = self._buffer.deadline_mono_ns
                left_s = None if deadline_ns is None else max(0, deadline_ns - self._mono_ns()) / _NS_PER_S
                await asyncio.wait((reading, stopping), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    if self._stop.is_set():
                        return
                    if (cut := self._buffer.expire(self._mono_ns())) is not None:
                        await self._send(cut)
                    continue
                lines = reading.result()
                self._taken += len(lines)
                for line in lines:
                    # While `_send` waits for room the following lines have not arrived: nobody has taken them yet.
                    if (cut := self._buffer.add(pack_record(self._unix_ns(), line), self._mono_ns())) is not None:
                        await self._send(cut)
                if not lines or self._stop.is_set():
                    return
                reading = asyncio.ensure_future(self._source.read())
        finally:
            reading.cancel()
            stopping.cancel()
            await asyncio.gather(reading, stopping, return_exceptions=True)


def messages(
    cut: Cut, epoch: int, agent: int, limit_bytes: int, dropping: Callable[[int, int], None]
) -> Iterator[Batch]:
    """Gives a cut batch as it goes over the wire: one message, or several of at most `limit_bytes` of packed records.

    A record that is longer than the limit is dropped: `dropping` is told its number and its bytes.
    """
    first = cut.first
    part: list[bytes] = []
    size = 0

    def message() -> Batch:
        return Batch(Chunk(epoch, agent, first, len(part)).encode(), len(part), b"".join(part), first)

    for number, record in enumerate(cut.records, cut.first):
        if part and size + len(record) > limit_bytes:
            yield message()
            part, size = [], 0
        if len(record) > limit_bytes:
            dropping(number, len(record))
            continue
        if not part:
            first = number
        part.append(record)
        size += len(record)
    if part:
        yield message()
