"""One connection of the swarm: its agents' batches on the wire, the answers, and coming back after it was lost.

It may carry one agent or many; an answer names the batch by its chunk, whoever's it is. A lost connection gives the
unanswered batches back to their agents, in order, and is tried again after a backoff with full jitter.

`Disconnects` (drawn from the seed) and `cut` (a storm) lose it on purpose: that delays sending, never the cutting.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from typing import Final, cast

from loadgen.account import Account, Batch
from loadgen.agent import VirtualAgent
from loadgen.model.draws import Draws
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


class Link(asyncio.Protocol):
    """One connection.

    Args:
        number: the connection's, over the whole fleet.
        spec: the swarm's.
        ring: the records, packed.
        account: told what becomes of each batch.
        connect: begins an attempt to connect the link it is given; one in vain ends with `refused`.
    """

    def __init__(
        self, number: int, spec: SwarmSpec, ring: PackedRing, account: Account, connect: Callable[["Link"], None]
    ) -> None:
        self.number = number
        #: Whether it takes batches.
        self.is_up = False
        self.agents: dict[int, VirtualAgent] = {}
        self._epoch = spec.epoch
        self._tag = spec.tag.encode()
        self._ring = ring
        self._account = account
        self._connect = connect
        self._unanswered: dict[bytes, Batch] = {}
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._backoff_s = _FIRST_BACKOFF_S
        self._jitter: random.Random | None = None
        self._seed = spec.seed
        self._closing = False
        self._losses: _Losses | None = None

    def add(self, agent: VirtualAgent) -> None:
        """One more agent sends over it."""
        self.agents[agent.number] = agent

    def write(self, batch: Batch) -> None:
        """Puts a batch on the wire."""
        assert self._transport is not None
        chunk = Chunk(self._epoch, batch.agent, batch.first, batch.count).encode()
        packed = self._ring.slice(batch.agent, batch.first, batch.count)
        self._unanswered[chunk] = batch
        head, option = message_header(self._tag, len(packed)), message_option(chunk, batch.count)
        self._transport.writelines([head, packed, option])
        self._account.wrote(len(head) + len(packed) + len(option))

    def data_received(self, data: bytes) -> None:
        self._account.read(len(data))
        received = self._received + data if self._received else data
        now = time.monotonic_ns()
        at = 0
        while len(received) - at >= ACK_BYTES:
            chunk = received[at + ACK_BYTES - TEXT_BYTES : at + ACK_BYTES]
            batch = self._unanswered.pop(chunk, None)
            if batch is None:  # not an answer to anything of ours: the stream can't be trusted any more
                self._account.bad_acks += 1
                self.cut()
                return
            at += ACK_BYTES
            self._account.acked(batch, now)
            self.agents[batch.agent].answered()
        self._received = received[at:]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self.is_up = True
        self._backoff_s = _FIRST_BACKOFF_S
        self._account.progress.add("connected")
        if self._losses is not None:
            self._losses.up()
        for agent in self.agents.values():
            agent.send()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.is_up = False
        self._received = b""
        for batch in reversed(self._unanswered.values()):
            self.agents[batch.agent].taken_back(batch)
        self._unanswered.clear()
        self._account.progress.add("connected", -1)
        if self._closing:
            return
        self._account.progress.add("reconnects")
        down_s = 0.0 if self._losses is None else self._losses.down_s()
        if down_s:
            asyncio.get_running_loop().call_later(down_s, self._connect, self)
        else:
            self._connect_later()

    def refused(self) -> None:
        """A connection attempt failed: try again later."""
        if not self._closing:
            self._connect_later()

    def _connect_later(self) -> None:
        if self._jitter is None:
            self._jitter = random.Random(self._seed * 1_000_003 + self.number)
        asyncio.get_running_loop().call_later(self._jitter.random() * self._backoff_s, self._connect, self)
        self._backoff_s = min(2 * self._backoff_s, _MOST_BACKOFF_S)

    def cut(self) -> None:
        """Loses the connection at once, with all that is under way. It comes back as after any loss."""
        if self._transport is not None:
            self.is_up = False
            self._transport.abort()

    def lose(self, every_s: float, down_s: float) -> None:
        """From now on loses the connection at drawn instants, until `keep`."""
        self._losses = _Losses(Draws(self._seed, "disconnects", self.number), every_s, down_s, self.cut)
        if self.is_up:
            self._losses.up()

    def keep(self) -> None:
        """Loses the connection on purpose no more."""
        if self._losses is not None:
            self._losses.end()
            self._losses = None

    def close(self) -> None:
        """Closes the connection and gives up what was never acknowledged."""
        self.keep()
        self._closing = True
        if self._transport is not None:
            self._transport.abort()
        for batch in self._unanswered.values():
            self._account.given_up(batch)
        self._unanswered.clear()
        for agent in self.agents.values():
            agent.close()


class _Losses:
    """When a connection is lost, and for how long: exponential times, one stream a connection."""

    def __init__(self, draws: Draws, every_s: float, down_s: float, cut: Callable[[], None]) -> None:
        self._draws = draws
        self._every_s = every_s
        self._mean_down_s = down_s
        self._cut = cut
        self._due: asyncio.TimerHandle | None = None
        self._down_s = 0.0

    def up(self) -> None:
        """The connection stands: the next loss is drawn."""
        self.end()
        self._due = asyncio.get_running_loop().call_later(self._exponential(self._every_s), self._lose)

    def _lose(self) -> None:
        self._due = None
        self._down_s = self._exponential(self._mean_down_s)
        self._cut()

    def down_s(self) -> float:
        """How long the connection that was just lost stays away; 0 if somebody else lost it."""
        self.end()  # the next loss is drawn when it stands again
        down_s, self._down_s = self._down_s, 0.0
        return down_s

    def end(self) -> None:
        """No more losses."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _exponential(self, mean_s: float) -> float:
        return -mean_s * math.log(1.0 - self._draws.uniform())
