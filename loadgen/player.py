"""The player: cuts the batches of a schedule at their instants, and says how late it was.

Flow: Schedule, in pieces -> `cut(agent, count, due)` at each batch's instant, then `note(due, late)`. A late player cuts
what is due in bursts, between which the loop's sockets have their turn; nothing is skipped and nothing moved: the batch
counts from when it was due.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from loadgen.model.schedule import Schedule
from loadgen.pacer import Pacer

#: Batches that a late player cuts before the loop looks at its sockets again.
BURST: Final = 32


class Player:
    """Plays one schedule that begins at `start_mono_ns`. Made within the running loop."""

    def __init__(
        self,
        plan: Iterable[Schedule],
        start_mono_ns: int,
        cut: Callable[[int, int, int], None],
        note: Callable[[int, int], None],
    ) -> None:
        """`plan`: pieces of a schedule, each after the one before; one is held at a time, at 150 bytes a batch."""
        self._cut = cut
        self._note = note
        self._steps = _steps(plan, start_mono_ns)
        self._next = next(self._steps, None)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pacer = Pacer(self._wake)

    async def play(self) -> None:
        """Returns when the last batch was cut. Raises: what `plan`, `cut` or `note` raised: the rest isn't played."""
        try:
            if self._next is not None:
                self._pacer.arm(self._next[0])
                await self._over
        finally:
            self._pacer.close()

    def _wake(self) -> None:
        if self._over.cancelled():
            return
        try:
            self._burst()
        except Exception as error:  # noqa: BLE001 - `play` raises it; from here the loop would log it and wait for ever
            self._over.set_exception(error)
            return
        if self._next is None:
            self._over.set_result(None)
        else:
            self._pacer.arm(self._next[0])

    def _burst(self) -> None:
        now_ns = time.monotonic_ns
        for _ in range(BURST):
            if self._next is None:
                return
            due, agent, count = self._next
            late = now_ns() - due
            if late < 0:
                return
            self._cut(agent, count, due)
            self._note(due, late)
            self._next = next(self._steps, None)


def _steps(plan: Iterable[Schedule], start_mono_ns: int) -> Iterator[tuple[int, int, int]]:
    """(due, agent, count) of each batch, in plain integers."""
    for piece in plan:
        due = piece.time_ns + start_mono_ns
        yield from zip(due.tolist(), piece.agent.tolist(), piece.count.tolist(), strict=True)
