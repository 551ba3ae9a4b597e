"""Group commit: the batches of all connections wait while one publish round trip is under way; the next takes them all.

The list is bounded by the admission's bytes in flight: when it is full, the gateway stops reading. Acks are written
after the broker confirmed, in the order of a connection's messages, in one write a connection and round. If the broker
doesn't confirm, whether it holds the batches is unknown: their connections are closed without an ack and the agents
send again. The next attempt is made with the next batches, so that a broker that is down costs nothing while nobody
sends.

While workers have enough to do, a batch that waits here a moment for others is none the later: a round is then held back
until it fills a task, or for LINGER_S. A Celery node's cost is by task, whatever is in it.
"""

import asyncio
import contextlib
import math
from collections import deque
from typing import Protocol

import msgspec

from system.broker.batch import Batch
from system.broker.publisher import BrokerUnavailableError, Outcome, Publisher
from system.gateway.stats import Close, GatewayStats

#: Most batches in a round. At 30,000 pipelined messages a second (2-core AMD EPYC guest) a round takes 17 ms: far below
#: the 500 ms after which the least patient client (@fluent-org/logger) sends again.
ROUND_BATCHES = 512

#: Most bytes in a round, but for a single larger batch: 8 MiB is 4 to 10 ms of a local Redis (0.8 to 2.7 GB/s).
ROUND_BYTES = 8 * 1024 * 1024


#: With more tasks than this unfinished, in the queue or in a worker's hands, rounds are held back.
LINGER_TASKS = 3

#: For so long at most: less than the tasks that stand before it take (some 5 ms each on the machine above).
LINGER_S = 0.01

#: Or until a task is full: its most, by default (`system.coalesce`, `system.coalesce_bytes`).
TASK_BATCHES = 256
TASK_BYTES = 8 * 1024 * 1024


class Sender(Protocol):
    """Where a batch came from, as a round sees it."""

    def settled(self, batch_bytes: int, acks: bytes) -> bool:
        """Batches of this sender have left flight: writes their acks; False if the peer has gone."""
        ...

    def close(self, reason: str) -> None:
        """Closes the connection, if it is still open, and counts why."""
        ...


class Waiting(msgspec.Struct):
    """A batch that waits for its round: what it counts for in flight, and how to answer."""

    batch: Batch
    ack: bytes | None
    sender: Sender
    inflight_bytes: int


class _Settlement(msgspec.Struct):
    """What one round means for one sender."""

    inflight_bytes: int = 0
    acks: list[bytes] = []
    batches: int = 0
    conflict: bool = False


class Rounds:
    """The list of waiting batches and the one task that empties it."""

    def __init__(
        self,
        publisher: Publisher,
        stats: GatewayStats,
        round_batches: int,
        round_bytes: int,
        *,
        task_batches: int = TASK_BATCHES,
        task_bytes: int = TASK_BYTES,
    ) -> None:
        self._publisher = publisher
        self._stats = stats
        self._round_batches = round_batches
        self._round_bytes = round_bytes
        self._task_batches = task_batches
        self._task_bytes = task_bytes
        self._told_at = -math.inf  # when the publisher last said how many tasks are unfinished: the loop's time
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._stopping = False

    def add(self, waiting: Waiting) -> None:
        """Puts a batch at the end of the list."""
        self._waiting.append(waiting)
        self._waiting_bytes += len(waiting.batch.packed)
        self._arrived.set()
        if self._is_full:
            self._full.set()

    @property
    def _is_full(self) -> bool:
        return len(self._waiting) >= self._task_batches or self._waiting_bytes >= self._task_bytes

    def stop(self) -> None:
        """Lets `run` end once the list is empty."""
        self._stopping = True
        self._arrived.set()
        self._full.set()

    async def run(self) -> None:
        """Publishes round after round until stopped.

        Raises: whatever the publisher raises but BrokerUnavailableError, which is a defect and ends the gateway.
        """
        while True:
            while self._waiting:
                await self._linger()
                await self._round(self._take())
            if self._stopping:
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def _linger(self) -> None:
        """Waits for more batches while workers have enough to do."""
        if getattr(self._publisher, "unfinished", 0) <= LINGER_TASKS or self._is_full or self._stopping:
            return
        if asyncio.get_running_loop().time() - self._told_at > LINGER_S:  # by now they may be finished
            return
        self._full.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._full.wait()

    def _take(self) -> list[Waiting]:
        taken = self._taken()
        self._waiting_bytes -= sum(len(one.batch.packed) for one in taken)
        return taken

    def _taken(self) -> list[Waiting]:
        taken = [self._waiting.popleft()]
        left_bytes = self._round_bytes - len(taken[0].batch.packed)
        while self._waiting and len(taken) < self._round_batches:
            left_bytes -= len(self._waiting[0].batch.packed)
            if left_bytes < 0:
                break
            taken.append(self._waiting.popleft())
        return taken

    async def _round(self, taken: list[Waiting]) -> None:
        self._stats.rounds += 1
        try:
            outcomes = await self._publisher.publish([waiting.batch for waiting in taken])
        except BrokerUnavailableError:
            self._fail(taken)
        else:
            self._told_at = asyncio.get_running_loop().time()
            self._settle(taken, outcomes)

    def _fail(self, taken: list[Waiting]) -> None:
        self._stats.unconfirmed += len(taken)
        for waiting in taken:
            waiting.sender.close(Close.BROKER_UNAVAILABLE)
            waiting.sender.settled(waiting.inflight_bytes, b"")

    def _settle(self, taken: list[Waiting], outcomes: list[Outcome]) -> None:
        stats = self._stats
        settlements: dict[Sender, _Settlement] = {}
        for waiting, outcome in zip(taken, outcomes, strict=True):
            settlement = settlements.get(waiting.sender)
            if settlement is None:
                settlement = settlements[waiting.sender] = _Settlement()
            settlement.inflight_bytes += waiting.inflight_bytes
            settlement.batches += 1
            if outcome is Outcome.ACCEPTED:
                stats.accepted += 1
            elif outcome is Outcome.KNOWN:
                stats.known += 1
            else:
                stats.conflict += 1
                settlement.conflict = True
            # After a conflict the connection is closed, so nothing behind it is answered: the agent sends it again.
            if waiting.ack is not None and not settlement.conflict:
                settlement.acks.append(waiting.ack)
        for sender, settlement in settlements.items():
            if not sender.settled(settlement.inflight_bytes, b"".join(settlement.acks)):
                stats.unanswerable += settlement.batches
            if settlement.conflict:
                sender.close(Close.CONFLICT)
