"""Whether a process is to end: what its signal handler sets, and its main loop waits for.

Not a threading.Event: a handler runs between two steps of the main thread, and an Event's `set` waits for a lock that the
`wait` it interrupted may hold, for good. A SimpleQueue's `put` may interrupt its own `get`, as its documentation says.
"""

import contextlib
import queue
from types import FrameType


class Stop:
    """Not set at first, and set for good. For one waiting thread."""

    def __init__(self) -> None:
        self._said: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_set = False

    def set(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Sets it; a signal handler as it is."""
        self._is_set = True
        self._said.put(None)

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def wait(self, timeout_s: float) -> bool:
        """Waits until it is set, `timeout_s` at most; gives whether it is."""
        if not self._is_set:
            with contextlib.suppress(queue.Empty):
                self._said.get(timeout=timeout_s)
        return self._is_set
