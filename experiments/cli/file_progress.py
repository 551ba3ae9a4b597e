"""How far a command has come through its files: a bar in a terminal, a line every five seconds elsewhere.

On standard error, so that results can be piped; nothing at all for what takes less than two seconds. What is left is
told by bytes: the time so far times what is left over what is done.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

#: What ends sooner shows nothing.
QUIET_S: Final = 2.0

#: How often there is a line where there is no terminal.
LINE_S: Final = 5.0


class FileProgress:
    """Shows how many of `total_bytes` are done.

    Args:
        title: what is under way.
        total_bytes: in all.
        console: where to show it.
        clock_s: monotonic.
    """

    def __init__(
        self,
        title: str,
        total_bytes: int,
        console: Console | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._total_bytes = max(1, total_bytes)
        self._console = console or Console(stderr=True)
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._shown_s = self._began_s + QUIET_S - LINE_S
        self._bar: Progress | None = None

    def at(self, done_bytes: int, note: str) -> None:
        """Says how far it is; called as often as convenient. `note`: what has come of it so far."""
        now_s = self._clock_s()
        if now_s - self._began_s < QUIET_S:
            return
        done_bytes = min(done_bytes, self._total_bytes)  # a file may have grown
        if self._console.is_terminal:
            if self._bar is None:
                self._bar = self._begin()
            self._bar.update(self._bar.task_ids[0], completed=done_bytes, note=note)
        elif now_s - self._shown_s >= LINE_S:
            self._shown_s = now_s
            left = ""
            if done_bytes:
                left_s = (now_s - self._began_s) * (self._total_bytes - done_bytes) / done_bytes
                left = f", about {left_s:,.0f} s left"
            share = f"{100 * done_bytes / self._total_bytes:.0f} %"
            self._console.print(f"{self._title}: {share}, {note}{left}", highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Takes the bar away while something else is written to the terminal."""
        if self._bar is not None:
            self._bar.stop()
        yield
        if self._bar is not None:
            self._bar.start()

    def close(self) -> None:
        """Gives the terminal back."""
        if self._bar is not None:
            self._bar.stop()

    def _begin(self) -> Progress:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[note]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        bar.add_task(self._title, total=self._total_bytes, note="")
        bar.start()
        return bar
