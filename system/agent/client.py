"""The agent's client of the Forward protocol: each batch until it is acknowledged, in order, at least once.

Flow: `send` takes a batch into a bounded store -> it waits for its turn in the window -> PackedForward message with a
chunk id -> `{"ack": chunk}` -> the batch is forgotten. `run` keeps the connection: it connects when there is something
to send, and after a loss waits (backoff), connects again and resends what wasn't acknowledged, the same chunks in the
same order.

Invariants: a batch is held until its ack, so a lost connection loses nothing; the receiver sees each chunk at least
once, and knows a repeat by its chunk id; at most `window` batches are unanswered on a connection; the store is bounded,
and when it is full `send` waits (back-pressure: a file's reader waits with it; nothing is dropped). Everything that
goes wrong has a counter.

Source: Forward Protocol Specification v1, "PackedForward Mode", "Option" and "Response". The protocol has no negative
answer: an ack of an unknown chunk, or bytes that are no ack, can only be answered by closing.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable

import msgpack
import msgspec

from system.agent.backoff import Backoff
from system.wire.packing import message_header, message_option

_LOG = logging.getLogger(__name__)

#: Bytes read at a time, and those an unfinished ack may have: one of ours takes 44.
ACK_READ_BYTES = 16 * 1024
ACK_LIMIT_BYTES = 64 * 1024

#: After so many sends of a batch that all ended in a lost connection, its size may be the reason.
REFUSED_SENDS = 3


class Batch(msgspec.Struct):
    """Packed records under a chunk id, from number `first` on.

    `sent_s`: the event loop's time when it was last sent, None before; `sends`: how often it was.
    """

    chunk: bytes
    records: int
    packed: bytes
    first: int = 0
    sent_s: float | None = None
    sends: int = 0


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a client behaves.

    `window`: unanswered batches on a connection. `pause_s`: wait after each send, before the next one. `ack_timeout_s`:
    without an ack for so long after a batch was sent, the connection is given up; Fluentd waits 190 s, Fluent Bit has
    no limit. `connect_timeout_s`: for a connection to be made, and to be closed. `held_batches`, `held_bytes`: what may
    be held in all, sent or not.
    """

    window: int = 4
    pause_s: float = 0.0
    ack_timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    held_batches: int = 64
    held_bytes: int = 64 * 1024 * 1024
    backoff: Backoff = Backoff()

    def __post_init__(self) -> None:
        for name in ("window", "held_batches", "held_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        for name in ("ack_timeout_s", "connect_timeout_s"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be > 0 and finite, got {getattr(self, name)}")
        if not 0.0 <= self.pause_s < float("inf"):
            raise ValueError(f"pause_s must be >= 0 and finite, got {self.pause_s}; for no pause give 0")


class Counts(msgspec.Struct):
    """What happened. `batches`, `records`: acknowledged. `resent`: sends of a batch that had been sent before.

    `connects`: connections made; `connects_failed`: attempts in vain. How connections ended, other than at the end of
    the input: `losses` (by the other side or the network), `ack_timeouts`, `bad_acks`.
    """

    batches: int = 0
    records: int = 0
    resent: int = 0
    connects: int = 0
    connects_failed: int = 0
    losses: int = 0
    ack_timeouts: int = 0
    bad_acks: int = 0


class BadAckError(Exception):
    """What came back is no ack of an unanswered chunk."""


class Client:
    """One agent's sending side; `run` must be running for `send` to make progress.

    Args:
        host, port: the gateway's.
        tag: the Forward tag of all its messages.
        options: how it behaves.
        draw: for the backoff's jitter.
        counts: what to count in, for those who watch.
        acknowledged: told of each batch as its ack comes.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tag: str,
        options: ClientOptions | None = None,
        draw: random.Random | None = None,
        counts: Counts | None = None,
        acknowledged: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        self.counts = counts or Counts()
        #: No connection, and the last attempt was in vain: waiting for the next one.
        self.in_vain = False
        self._acknowledged = acknowledged
        self._host = host
        self._port = port
        self._tag = tag.encode()
        self._options = options or ClientOptions()
        self._draw = draw or random.Random()
        self._waiting: deque[Batch] = deque()
        self._unanswered: dict[bytes, Batch] = {}  # in the order of their sends
        self._held_bytes = 0
        self._finishing = False
        self._changed = asyncio.Event()

    @property
    def held(self) -> int:
        """Batches taken and not yet acknowledged."""
        return len(self._waiting) + len(self._unanswered)

    async def send(self, batch: Batch) -> None:
        """Takes a batch; waits while the store is full. One beyond `held_bytes` is taken when it is the only one."""
        await self._until(lambda: self._has_room(len(batch.packed)))
        self._waiting.append(batch)
        self._held_bytes += len(batch.packed)
        self._changed.set()

    async def until_in_vain(self) -> None:
        """Waits until it can't reach the gateway: at once if it waits for its next attempt."""
        await self._until(lambda: self.in_vain)

    def finish(self) -> None:
        """Says that nothing more comes: `run` ends when all is acknowledged."""
        self._finishing = True
        self._changed.set()

    async def run(self) -> None:
        """Sends until everything is acknowledged after `finish`; for as long as no gateway answers, it keeps trying."""
        attempt = 0
        while True:
            await self._until(lambda: bool(self._waiting) or self._finishing)
            if not self._waiting:
                return
            acknowledged = self.counts.batches
            await self._connect_and_send()
            # Only an ack shows a gateway that works: one that takes connections and drops them must not be rushed.
            if self.counts.batches > acknowledged:
                attempt = 0
            if self._waiting:
                self._set_in_vain(True)
                await asyncio.sleep(self._options.backoff.wait_s(attempt, self._draw))
                self._set_in_vain(False)
                attempt += 1

    async def _connect_and_send(self) -> None:
        """One connection, from its making to its end; afterwards no batch is unanswered, for those wait again."""
        try:
            async with asyncio.timeout(self._options.connect_timeout_s):
                reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError as error:  # TimeoutError is one
            self.counts.connects_failed += 1
            self._warn(f"cannot connect: {error or 'no answer'}")
            return
        self.counts.connects += 1
        try:
            async with asyncio.timeout(None) as ack_deadline, asyncio.TaskGroup() as tasks:
                receiving = tasks.create_task(self._receive(reader, ack_deadline))
                await self._send_all(writer, ack_deadline)
                receiving.cancel()
        except* BadAckError as group:
            self.counts.bad_acks += 1
            self._warn(f"connection given up after {group.exceptions[0]}")
        except* TimeoutError:
            self.counts.ack_timeouts += 1
            self._warn(f"connection given up after {self._options.ack_timeout_s} s without an ack")
        except* OSError as group:
            if self._unanswered:  # else nothing was lost: a gateway may close what is idle
                self.counts.losses += 1
                self._warn(f"connection lost: {group.exceptions[0]}{self._refused()}")
        finally:
            await self._close(writer)
            self._waiting.extendleft(reversed(self._unanswered.values()))
            self._unanswered.clear()

    async def _send_all(self, writer: asyncio.StreamWriter, ack_deadline: asyncio.Timeout) -> None:
        """Sends what waits, within the window, until everything is acknowledged after `finish`."""
        now_s = asyncio.get_running_loop().time
        while True:
            await self._until(self._may_send_or_end)
            if not self._waiting:
                return
            batch = self._waiting.popleft()
            self.counts.resent += batch.sends > 0
            batch.sends += 1
            batch.sent_s = now_s()
            self._unanswered[batch.chunk] = batch
            self._set_deadline(ack_deadline)
            writer.writelines(
                (
                    message_header(self._tag, len(batch.packed)),
                    batch.packed,
                    message_option(batch.chunk, batch.records),
                )
            )
            await writer.drain()
            if self._options.pause_s:
                await asyncio.sleep(self._options.pause_s)

    async def _receive(self, reader: asyncio.StreamReader, ack_deadline: asyncio.Timeout) -> None:
        """Takes acks, in any order, until the connection ends."""
        unpacker = msgpack.Unpacker(raw=True, max_buffer_size=ACK_LIMIT_BYTES)
        while received := await reader.read(ACK_READ_BYTES):
            try:
                unpacker.feed(received)
                answers = list(unpacker)
            except (ValueError, msgpack.UnpackException) as error:
                raise BadAckError(f"bytes that are no ack: {error}") from error
            for answer in answers:
                chunk = answer.get(b"ack") if isinstance(answer, dict) else None
                batch = self._unanswered.pop(chunk, None) if isinstance(chunk, bytes) else None
                if batch is None:
                    raise BadAckError(f"an ack of no unanswered chunk: {answer!r}")
                self._held_bytes -= len(batch.packed)
                self.counts.batches += 1
                self.counts.records += batch.records
                self._acknowledged(batch)
            self._set_deadline(ack_deadline)
            self._changed.set()
        raise ConnectionResetError("the gateway closed the connection")

    def _set_deadline(self, ack_deadline: asyncio.Timeout) -> None:
        """Ends the connection when the oldest unanswered batch has waited too long."""
        if ack_deadline.expired():
            return
        oldest = next(iter(self._unanswered.values()), None)
        if oldest is None or oldest.sent_s is None:
            ack_deadline.reschedule(None)
        else:
            ack_deadline.reschedule(oldest.sent_s + self._options.ack_timeout_s)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Closes: in order after a clean end, at once where batches are unanswered, for they will be sent again."""
        if self._unanswered:
            writer.transport.abort()
        writer.close()
        with contextlib.suppress(OSError):  # what became of it is known already; TimeoutError is one
            async with asyncio.timeout(self._options.connect_timeout_s):
                await writer.wait_closed()

    def _refused(self) -> str:
        """What to say of a batch that comes back and back: the protocol has no word for "too large"."""
        oldest = next(iter(self._unanswered.values()))
        if oldest.sends < REFUSED_SENDS:
            return ""
        return (
            f" (a batch of {len(oldest.packed)} bytes was sent {oldest.sends} times in vain: if the gateway's limit on"
            " messages is lower, lower the agent's, --frame-bytes)"
        )

    def _warn(self, what: str) -> None:
        _LOG.warning("%s:%d: %s; %d batches held, trying again", self._host, self._port, what, self.held)

    def _set_in_vain(self, in_vain: bool) -> None:
        self.in_vain = in_vain
        self._changed.set()

    def _has_room(self, more_bytes: int) -> bool:
        if not self.held:
            return True
        return self.held < self._options.held_batches and self._held_bytes + more_bytes <= self._options.held_bytes

    def _may_send_or_end(self) -> bool:
        if self._waiting:
            return len(self._unanswered) < self._options.window
        return self._finishing and not self._unanswered

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Waits until `holds()`; it is asked again after each change of what is held."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()
