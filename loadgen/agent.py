"""One virtual agent of the swarm: a connection, the batches that wait to be sent, and those that wait for an answer.

Batches are cut by the schedule (or the window) and by nothing else; a full in-flight window, a pause after each send or
a lost connection only delays sending, while the records' clocks run. A full buffer drops whole batches, counted.
"""

import asyncio
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from loadgen.batchlog import RESENT
from system.wire.chunk import Chunk
from system.wire.packing import ack as ack_bytes
from system.wire.packing import message_header, message_option

if TYPE_CHECKING:
    from loadgen.swarm import Swarm

#: An acknowledgement of one of our chunks always has this length.
ACK_BYTES: Final = len(ack_bytes(Chunk(0, 0, 0, 0).encode()))

#: Reconnect: full jitter between 0 and twice the last wait, from 50 ms to 5 s.
_FIRST_BACKOFF_S: Final = 0.05
_MOST_BACKOFF_S: Final = 5.0


class Waiting:
    """One batch between its cut and its acknowledgement."""

    __slots__ = ("count", "cut_mono_ns", "first", "resent", "sent_mono_ns")

    def __init__(self, first: int, count: int, cut_mono_ns: int) -> None:
        self.first = first
        self.count = count
        self.cut_mono_ns = cut_mono_ns
        self.sent_mono_ns = 0
        self.resent = False


class VirtualAgent(asyncio.Protocol):
    """The sending half of an agent; its buffer is the schedule's arithmetic."""

    def __init__(self, swarm: "Swarm", number: int) -> None:
        self._swarm = swarm
        self.number = number
        self.next_first = 0
        self._unsent: deque[Waiting] = deque()
        self._unanswered: dict[bytes, Waiting] = {}
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._paused_until_ns = 0
        self._wake: asyncio.TimerHandle | None = None
        self._backoff_s = _FIRST_BACKOFF_S
        self._jitter = random.Random(swarm.spec.seed * 1_000_003 + number)

    @property
    def idle(self) -> bool:
        """Nothing waits: every batch was acknowledged or dropped."""
        return not self._unsent and not self._unanswered

    def offer(self, count: int, cut_mono_ns: int) -> None:
        """Takes a batch that was just cut: the agent's next `count` records."""
        first = self.next_first
        self.next_first += count
        if len(self._unsent) >= self._swarm.spec.buffer_batches:
            self._swarm.overflowed(self.number, first, count, cut_mono_ns)
            return
        self._unsent.append(Waiting(first, count, cut_mono_ns))
        self._send()

    def _send(self) -> None:
        spec = self._swarm.spec
        while self._unsent and self._transport is not None and len(self._unanswered) < spec.inflight_batches:
            now = time.monotonic_ns()
            if now < self._paused_until_ns:
                if self._wake is None:
                    self._wake = self._swarm.loop.call_later((self._paused_until_ns - now) / 1e9, self._after_pause)
                return
            batch = self._unsent.popleft()
            chunk = Chunk(spec.epoch, self.number, batch.first, batch.count).encode()
            packed = self._swarm.ring.slice(self.number, batch.first, batch.count)
            if batch.sent_mono_ns:
                batch.resent = True
            else:
                batch.sent_mono_ns = time.monotonic_ns()
                self._swarm.sent(batch)
            self._unanswered[chunk] = batch
            self._transport.writelines(
                [message_header(self._swarm.tag, len(packed)), packed, message_option(chunk, batch.count)]
            )
            if spec.pause_s:
                self._paused_until_ns = time.monotonic_ns() + round(spec.pause_s * 1e9)

    def _after_pause(self) -> None:
        self._wake = None
        self._send()

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        now = time.monotonic_ns()
        at = 0
        while len(received) - at >= ACK_BYTES:
            chunk = received[at + ACK_BYTES - 36 : at + ACK_BYTES]
            batch = self._unanswered.pop(chunk, None)
            if batch is None:  # not an answer to anything of ours: the stream can't be trusted any more
                self._swarm.bad_acks += 1
                assert self._transport is not None
                self._transport.abort()
                return
            at += ACK_BYTES
            self._swarm.acked(self.number, batch, now, RESENT if batch.resent else 0)
        self._received = received[at:]
        self._send()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._backoff_s = _FIRST_BACKOFF_S
        self._swarm.progress.add("connected")
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._received = b""
        self._unsent.extendleft(reversed(self._unanswered.values()))
        self._unanswered.clear()
        self._swarm.progress.add("connected", -1)
        if not self._swarm.closing:
            self._swarm.progress.add("reconnects")
            self._swarm.loop.call_later(self._jitter.random() * self._backoff_s, self._swarm.connect, self)
            self._backoff_s = min(2 * self._backoff_s, _MOST_BACKOFF_S)

    def refused(self) -> None:
        """A connection attempt failed: try again later."""
        if not self._swarm.closing:
            self._swarm.loop.call_later(self._jitter.random() * self._backoff_s, self._swarm.connect, self)
            self._backoff_s = min(2 * self._backoff_s, _MOST_BACKOFF_S)

    def close(self) -> None:
        """Closes the connection and gives what never ended to the batch log."""
        waiting = [*self._unanswered.values(), *self._unsent]
        self._unanswered.clear()
        self._unsent.clear()
        if self._wake is not None:
            self._wake.cancel()
        if self._transport is not None:
            self._transport.abort()
        for batch in waiting:
            self._swarm.ended(self.number, batch, RESENT if batch.resent else 0)
