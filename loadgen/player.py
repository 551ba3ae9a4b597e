"""The player: cuts the batches of a schedule at their instants, and notes how late it was.

Flow: Schedule -> `cut(agent, count, due)` at each batch's instant. A late player cuts what is due in bursts, between
which the loop's sockets have their turn; nothing is skipped and nothing moved: the batch counts from when it was due.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.model.schedule import Schedule
from loadgen.pacer import Pacer

#: Batches that a late player cuts before the loop looks at its sockets again.
BURST: Final = 32

#: Batches of the schedule that are Python integers at a time: a long trial's whole schedule would be 150 bytes a batch.
AHEAD: Final = 4096


class Player:
    """Plays one schedule that begins at `start_mono_ns`. Made within the running loop."""

    def __init__(self, plan: Schedule, start_mono_ns: int, cut: Callable[[int, int, int], None]) -> None:
        #: How late each batch was cut, ns, in the order of the schedule; -1: not yet.
        self.late_ns: NDArray[np.int64] = np.full(len(plan.time_ns), -1, np.int64)
        self._cut = cut
        self._steps = _steps(plan, start_mono_ns)
        self._next = next(self._steps, None)
        self._played = 0
        self._over = asyncio.Event()
        self._pacer = Pacer(self._wake)

    async def play(self) -> None:
        """Returns when the last batch was cut."""
        try:
            if self._next is not None:
                self._pacer.arm(self._next[0])
                await self._over.wait()
        finally:
            self._pacer.close()

    def _wake(self) -> None:
        late_ns, now_ns = self.late_ns, time.monotonic_ns
        for _ in range(BURST):
            if self._next is None:
                self._over.set()
                return
            due, agent, count = self._next
            late = now_ns() - due
            if late < 0:
                break
            self._cut(agent, count, due)
            late_ns[self._played] = late
            self._played += 1
            self._next = next(self._steps, None)
        if self._next is None:
            self._over.set()
        else:
            self._pacer.arm(self._next[0])


def _steps(plan: Schedule, start_mono_ns: int) -> Iterator[tuple[int, int, int]]:
    """(due, agent, count) of each batch, in plain integers."""
    for at in range(0, len(plan.time_ns), AHEAD):
        some = slice(at, at + AHEAD)
        due = plan.time_ns[some] + start_mono_ns
        yield from zip(due.tolist(), plan.agent[some].tolist(), plan.count[some].tolist(), strict=True)


def lateness(late_ns: NDArray[np.int64]) -> dict[str, int]:
    """Batches that were cut, and how late: `late_p50_ns`, `late_p99_ns` (smallest value that at least that share does not
    exceed), `late_max_ns`. Only the count where there are none."""
    late = np.sort(late_ns[late_ns >= 0])
    if not len(late):
        return {"paced": 0}
    at = {share: int(late[-(-len(late) * share // 100) - 1]) for share in (50, 99)}
    return {"paced": len(late), "late_p50_ns": at[50], "late_p99_ns": at[99], "late_max_ns": int(late[-1])}
