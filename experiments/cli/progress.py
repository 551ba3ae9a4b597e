"""How far a command has come: a bar in a terminal, a line every five seconds elsewhere.

On standard error, so that results can be piped; nothing at all for what takes less than two seconds. What is left is
told by what is done, in bytes or in steps: the time so far times what is left over what is done. Of what can't be
counted only the time so far is told (`waiting`).
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from rich import progress as bars
from rich.console import Console

#: What ends sooner shows nothing.
QUIET_S: Final = 2.0

#: How often there is a line where there is no terminal.
LINE_S: Final = 5.0


class Progress:
    """Shows how much of `total` is done.

    Args:
        title: what is under way.
        total: in all.
        console: where to show it.
        clock_s: monotonic.
    """

    def __init__(
        self,
        title: str,
        total: float,
        console: Console | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._total = total or 1.0
        self._console = console or Console(stderr=True)
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._shown_s = self._began_s + QUIET_S - LINE_S
        self._bar: bars.Progress | None = None

    def at(self, done: float, note: str) -> None:
        """Says how far it is; called as often as convenient. `note`: what has come of it so far."""
        now_s = self._clock_s()
        if now_s - self._began_s < QUIET_S:
            return
        done = min(done, self._total)  # a file may have grown
        if self._console.is_terminal:
            if self._bar is None:
                self._bar = self._begin()
            self._bar.update(self._bar.task_ids[0], completed=done, note=note)
        elif now_s - self._shown_s >= LINE_S:
            self._shown_s = now_s
            left = ""
            if done:
                left_s = (now_s - self._began_s) * (self._total - done) / done
                left = f", about {left_s:,.0f} s left"
            share = f"{100 * done / self._total:.0f} %"
            self._console.print(f"{self._title}: {share}, {note}{left}", highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Takes the bar away while something else is written to the terminal."""
        if self._bar is not None:
            self._bar.stop()
        yield
        if self._bar is not None:
            self._bar.start()

    def stop(self) -> None:
        """Gives the terminal back."""
        if self._bar is not None:
            self._bar.stop()

    def _begin(self) -> bars.Progress:
        bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}"),
            bars.TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        bar.add_task(self._title, total=self._total, note="")
        bar.start()
        return bar


@contextlib.contextmanager
def waiting(title: str, console: Console | None = None) -> Iterator[None]:
    """Shows `title` and the time so far while the block under it works.

    A thread shows it: the block is one call that comes back when it is done, and must let others run meanwhile.
    """
    over = threading.Event()
    shows = threading.Thread(
        target=_count, args=(title, console or Console(stderr=True), over), name="waiting", daemon=True
    )
    shows.start()
    try:
        yield
    finally:
        over.set()
        shows.join()


def _count(title: str, console: Console, over: threading.Event) -> None:
    began_s = time.monotonic()
    if over.wait(QUIET_S):
        return

    def so_far() -> str:
        return f"{title} ... {time.monotonic() - began_s:,.0f} s"

    if not console.is_terminal:
        console.print(so_far(), highlight=False, soft_wrap=True)
        while not over.wait(LINE_S):
            console.print(so_far(), highlight=False, soft_wrap=True)
        return
    with console.status(so_far()) as status:
        while not over.wait(0.5):
            status.update(so_far())
