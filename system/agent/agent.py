"""The agent: ships a source's lines to a gateway, in batches of BATCH_SIZE or after TIMEOUT.

Flow: Source -> a record with its arrival instant -> Buffer -> cut batches -> Client. A record arrives when the agent
takes its line; that instant starts TIMEOUT (monotonic clock) and is the record's EventTime (wall clock).

Invariants: each line is one record, numbered from 0 in the order of the source; at the end of the input the buffer is
closed and all acks are waited for, so `ship` returns when the gateway has taken responsibility for every record. A
chunk id names (epoch, agent, first record, count), and every run has another epoch: deduplication never takes a second
run's records for repeats of the first.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import msgspec

from system.agent.buffer import Buffer, Cut
from system.agent.client import Batch, Client, ClientOptions
from system.agent.source import SourceError
from system.wire.chunk import Chunk
from system.wire.packing import pack_record

#: A cut batch of more bytes goes in several messages (each a chunk of its own): half of what the gateway takes by
#: default.
MESSAGE_LIMIT_BYTES = 8 * 1024 * 1024

_NS_PER_S = 1_000_000_000


class Lines(Protocol):
    """What the agent needs of a source: the next lines, none at the end; how many lines were cut short."""

    @property
    def truncated(self) -> int: ...

    async def read(self) -> list[bytes]: ...


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What a run shipped: acknowledged `records` in `batches`; the rest is as in `Counts` and `Source`."""

    records: int
    batches: int
    resent: int
    reconnects: int
    connects_failed: int
    ack_timeouts: int
    bad_acks: int
    truncated: int


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
    options: ClientOptions | None = None,
    stop: asyncio.Event | None = None,
    message_limit_bytes: int = MESSAGE_LIMIT_BYTES,
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
        options: of the client; `pause_s` is taken from above.
        stop: when set, the source is read no further, and what was taken is shipped as at its end.
        message_limit_bytes: a batch of more packed bytes is split into several messages.
        mono_ns, unix_ns: the clocks; the monotonic one must be that of the event loop.
        draw: for the jitter of reconnects.

    Raises:
        SourceError: the source could be read no further; what came before it has been shipped.
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
    epoch = new_epoch(unix_ns(), os.getpid()) if epoch is None else epoch
    options = msgspec.structs.replace(options or ClientOptions(), pause_s=pause_s)
    client = Client(host, port, tag=tag, options=options, draw=draw)
    buffer = Buffer(batch_size, max(1, round(timeout_s * _NS_PER_S)))

    async def send(cut: Cut) -> None:
        for batch in messages(cut, epoch, agent, message_limit_bytes):
            await client.send(batch)

    failure: SourceError | None = None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.run())
        try:
            await _take_lines(source, buffer, send, stop or asyncio.Event(), mono_ns, unix_ns)
        except SourceError as error:
            failure = error  # raised below: what was taken before is shipped first
        if (cut := buffer.close(mono_ns())) is not None:
            await send(cut)
        client.finish()
    if failure is not None:
        raise failure
    counts = client.counts
    return Shipped(
        records=counts.records,
        batches=counts.batches,
        resent=counts.resent,
        reconnects=max(0, counts.connects - 1),
        connects_failed=counts.connects_failed,
        ack_timeouts=counts.ack_timeouts,
        bad_acks=counts.bad_acks,
        truncated=source.truncated,
    )


async def _take_lines(
    source: Lines,
    buffer: Buffer,
    send: Callable[[Cut], Awaitable[None]],
    stop: asyncio.Event,
    mono_ns: Callable[[], int],
    unix_ns: Callable[[], int],
) -> None:
    """Moves lines into the buffer, and what it cuts to `send`, until the source ends or `stop` is set."""
    reading = asyncio.ensure_future(source.read())
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while True:
            deadline_ns = buffer.deadline_mono_ns
            left_s = None if deadline_ns is None else max(0, deadline_ns - mono_ns()) / _NS_PER_S
            await asyncio.wait((reading, stopping), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return
            if not reading.done():
                if (cut := buffer.expire(mono_ns())) is not None:
                    await send(cut)
                continue
            lines = reading.result()
            if not lines:
                return
            for line in lines:
                # While `send` waits for room the following lines have not arrived: nobody has taken them yet.
                if (cut := buffer.add(pack_record(unix_ns(), line), mono_ns())) is not None:
                    await send(cut)
            reading = asyncio.ensure_future(source.read())
    finally:
        reading.cancel()
        stopping.cancel()
        await asyncio.gather(reading, stopping, return_exceptions=True)


def messages(cut: Cut, epoch: int, agent: int, limit_bytes: int) -> Iterator[Batch]:
    """Gives a cut batch as it goes over the wire: one message, or several of at most `limit_bytes` of packed records.

    A record that is longer than the limit goes alone.
    """
    first = cut.first
    part: list[bytes] = []
    size = 0
    for record in cut.records:
        if part and size + len(record) > limit_bytes:
            yield Batch(Chunk(epoch, agent, first, len(part)).encode(), len(part), b"".join(part))
            first += len(part)
            part, size = [], 0
        part.append(record)
        size += len(record)
    yield Batch(Chunk(epoch, agent, first, len(part)).encode(), len(part), b"".join(part))
