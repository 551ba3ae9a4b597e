"""One virtual agent of the swarm: a connection, the batches that wait to be sent, and those that wait for an answer.

Batches are cut by the schedule (or the window) and by nothing else; a full in-flight window, a pause after each send or
a lost connection only delays sending, while the records' clocks run. A full buffer drops whole batches, counted.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from loadgen.account import Account, Batch
from loadgen.ring import PackedRing
from loadgen.spec import SwarmSpec
from system.wire.chunk import TEXT_BYTES, Chunk
from system.wire.packing import ack as ack_bytes
from system.wire.packing import message_header, message_option

#: An acknowledgement of one of our chunks always has this length.
ACK_BYTES: Final = len(ack_bytes(Chunk(0, 0, 0, 0).encode()))

#: Reconnect: after a wait between 0 and a bound (full jitter), which doubles at each attempt in vain, from 50 ms to 5 s.
_FIRST_BACKOFF_S: Final = 0.05
_MOST_BACKOFF_S: Final = 5.0


class VirtualAgent(asyncio.Protocol):
    """The sending half of an agent; its buffer is the schedule's arithmetic.

    Args:
        number: the agent's.
        spec: the swarm's.
        ring: the records, packed.
        account: told what becomes of each batch.
        connect: begins an attempt to connect the agent it is given; one in vain ends with `refused`.
    """

    def __init__(
        self,
        number: int,
        spec: SwarmSpec,
        ring: PackedRing,
        account: Account,
        connect: Callable[["VirtualAgent"], None],
    ) -> None:
        self._number = number
        self._spec = spec
        self._tag = spec.tag.encode()
        self._ring = ring
        self._account = account
        self._connect = connect
        self._next_first = 0
        self._unsent: deque[Batch] = deque()
        self._unanswered: dict[bytes, Batch] = {}
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._paused_until_ns = 0
        self._wake: asyncio.TimerHandle | None = None
        self._backoff_s = _FIRST_BACKOFF_S
        self._jitter = random.Random(spec.seed * 1_000_003 + number)
        self._closing = False

    @property
    def idle(self) -> bool:
        """Nothing waits: every batch was acknowledged or dropped."""
        return not self._unsent and not self._unanswered

    def offer(self, count: int, cut_mono_ns: int) -> None:
        """Takes a batch that was just cut: the agent's next `count` records."""
        batch = Batch(self._next_first, count, cut_mono_ns)
        self._next_first += count
        if len(self._unsent) >= self._spec.buffer_batches:
            self._account.overflowed(self._number, batch)
            return
        self._unsent.append(batch)
        self._send()

    def _send(self) -> None:
        spec = self._spec
        while self._unsent and self._transport is not None and len(self._unanswered) < spec.inflight_batches:
            now = time.monotonic_ns()
            if now < self._paused_until_ns:
                if self._wake is None:
                    pause_s = (self._paused_until_ns - now) / 1e9
                    self._wake = asyncio.get_running_loop().call_later(pause_s, self._after_pause)
                return
            batch = self._unsent.popleft()
            chunk = Chunk(spec.epoch, self._number, batch.first, batch.count).encode()
            packed = self._ring.slice(self._number, batch.first, batch.count)
            if batch.sent_mono_ns:
                batch.resent = True
            else:
                batch.sent_mono_ns = time.monotonic_ns()
                self._account.sent(batch)
            self._unanswered[chunk] = batch
            head, option = message_header(self._tag, len(packed)), message_option(chunk, batch.count)
            self._transport.writelines([head, packed, option])
            self._account.progress.add("sent_bytes", len(head) + len(packed) + len(option))
            if spec.pause_s:
                self._paused_until_ns = time.monotonic_ns() + round(spec.pause_s * 1e9)

    def _after_pause(self) -> None:
        self._wake = None
        self._send()

    def data_received(self, data: bytes) -> None:
        self._account.progress.add("received_bytes", len(data))
        received = self._received + data if self._received else data
        now = time.monotonic_ns()
        at = 0
        while len(received) - at >= ACK_BYTES:
            chunk = received[at + ACK_BYTES - TEXT_BYTES : at + ACK_BYTES]
            batch = self._unanswered.pop(chunk, None)
            if batch is None:  # not an answer to anything of ours: the stream can't be trusted any more
                self._account.bad_acks += 1
                assert self._transport is not None
                self._transport.abort()
                return
            at += ACK_BYTES
            self._account.acked(self._number, batch, now)
        self._received = received[at:]
        self._send()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._backoff_s = _FIRST_BACKOFF_S
        self._account.progress.add("connected")
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._received = b""
        self._unsent.extendleft(reversed(self._unanswered.values()))
        self._unanswered.clear()
        self._account.progress.add("connected", -1)
        if not self._closing:
            self._account.progress.add("reconnects")
            self._connect_later()

    def refused(self) -> None:
        """A connection attempt failed: try again later."""
        if not self._closing:
            self._connect_later()

    def _connect_later(self) -> None:
        asyncio.get_running_loop().call_later(self._jitter.random() * self._backoff_s, self._connect, self)
        self._backoff_s = min(2 * self._backoff_s, _MOST_BACKOFF_S)

    def close(self) -> None:
        """Closes the connection and gives up what was never acknowledged."""
        self._closing = True
        waiting = [*self._unanswered.values(), *self._unsent]
        self._unanswered.clear()
        self._unsent.clear()
        if self._wake is not None:
            self._wake.cancel()
        if self._transport is not None:
            self._transport.abort()
        for batch in waiting:
            self._account.given_up(self._number, batch)
