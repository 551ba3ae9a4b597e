"""One virtual agent of the swarm: the batches that wait to be sent, and how many of its own are under way.

Batches are cut by the schedule (or the window) and by nothing else; a full in-flight window, a pause after each send or
a lost connection only delays sending, while the records' clocks run. A full buffer drops whole batches, counted.
"""

import asyncio
import time
from collections import deque
from typing import Protocol

from loadgen.account import Account, Batch


class Way(Protocol):
    """What carries an agent's batches: its connection."""

    is_up: bool

    def write(self, batch: Batch) -> None:
        """Puts a batch on the wire."""
        ...


class VirtualAgent:
    """The sending half of an agent; its buffer is the schedule's arithmetic.

    Args:
        number: the agent's.
        way: its connection.
        account: told what becomes of each batch.
        pause_s: wait after each send.
        inflight_batches: unanswered batches at most.
        buffer_batches: unsent ones at most.
    """

    __slots__ = (
        "_account", "_buffer_batches", "_inflight", "_inflight_batches", "_next_first", "_pause_ns", "_paused_until_ns",
        "_unsent", "_wake", "_way", "number",
    )  # fmt: skip

    def __init__(
        self, number: int, way: Way, account: Account, *, pause_s: float, inflight_batches: int, buffer_batches: int
    ) -> None:
        self.number = number
        self._way = way
        self._account = account
        self._pause_ns = round(pause_s * 1e9)
        self._inflight_batches = inflight_batches
        self._buffer_batches = buffer_batches
        self._next_first = 0
        self._inflight = 0
        self._unsent: deque[Batch] = deque()
        self._paused_until_ns = 0
        self._wake: asyncio.TimerHandle | None = None

    def offer(self, count: int, cut_mono_ns: int) -> None:
        """Takes a batch that was just cut: the agent's next `count` records."""
        batch = Batch(self.number, self._next_first, count, cut_mono_ns)
        self._next_first += count
        if len(self._unsent) >= self._buffer_batches:
            self._account.overflowed(batch)
            return
        self._unsent.append(batch)
        self.send()

    def send(self) -> None:
        """Sends what waits, as far as window, pause and connection let it."""
        unsent, way = self._unsent, self._way
        while unsent and way.is_up and self._inflight < self._inflight_batches:
            now = time.monotonic_ns()
            if now < self._paused_until_ns:
                if self._wake is None:
                    pause_s = (self._paused_until_ns - now) / 1e9
                    self._wake = asyncio.get_running_loop().call_later(pause_s, self._after_pause)
                return
            batch = unsent.popleft()
            if batch.sent_mono_ns:
                batch.resent = True
            else:
                batch.sent_mono_ns = now
                self._account.sent(batch)
            self._inflight += 1
            way.write(batch)
            if self._pause_ns:
                self._paused_until_ns = time.monotonic_ns() + self._pause_ns

    def _after_pause(self) -> None:
        self._wake = None
        self.send()

    def answered(self) -> None:
        """One of its batches was acknowledged."""
        self._inflight -= 1
        if self._unsent:
            self.send()

    def taken_back(self, batch: Batch) -> None:
        """A batch's connection was lost before its answer: it is the next to be sent again."""
        self._inflight -= 1
        self._unsent.appendleft(batch)

    def close(self) -> None:
        """Gives up what was never sent."""
        if self._wake is not None:
            self._wake.cancel()
        while self._unsent:
            self._account.given_up(self._unsent.popleft())
