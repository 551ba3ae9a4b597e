"""The pacer: wakes an event loop at instants of CLOCK_MONOTONIC, tens of microseconds late instead of a millisecond.

asyncio's own timers are whole milliseconds (uvloop) or the wait of an epoll call that is rounded up to them; at 2,000
flushes a second that is most of the distance between two. A Linux timerfd counts nanoseconds and is one more file that
the loop waits for. Python has it from 3.13 on; before that it is called in the C library. Measured: docs/adr/0011.
Elsewhere the loop's own timers must do, and the lag that every trial prints shows what they are worth.
"""

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Final

_CLOCK_MONOTONIC: Final = 1
_TFD_TIMER_ABSTIME: Final = 1
_TFD_NONBLOCK: Final = os.O_NONBLOCK
_TFD_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)


class _Timespec(ctypes.Structure):
    _fields_ = (("s", ctypes.c_long), ("ns", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class Pacer:
    """One timer of an event loop: calls `wake` once after each `arm`. Made and used within the running loop.

    Raises: OSError if the kernel gives no timer.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None
        self._fd: int | None = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
            if fd < 0:
                number = ctypes.get_errno()
                raise OSError(number, f"timerfd_create: {os.strerror(number)}")
            self._fd = fd
            self._loop.add_reader(fd, self._expired)

    def arm(self, due_mono_ns: int) -> None:
        """Wakes at this instant, or in the loop's next turn if it has passed. One instant at a time: then arm again."""
        left_ns = due_mono_ns - time.monotonic_ns()
        if left_ns <= 0:
            self._handle = self._loop.call_soon(self._wake)
        elif self._fd is None:
            self._handle = self._loop.call_later(left_ns / 1e9, self._wake)
        else:
            seconds, nanoseconds = divmod(due_mono_ns, 1_000_000_000)
            setting = _Itimerspec(_Timespec(0, 0), _Timespec(seconds, nanoseconds))
            self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(setting), None)

    def _expired(self) -> None:
        assert self._fd is not None
        os.read(self._fd, 8)  # else the loop would find it readable for ever
        self._wake()

    def close(self) -> None:
        """Gives the timer back; it wakes nobody any more."""
        if self._handle is not None:
            self._handle.cancel()
        if self._fd is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None
