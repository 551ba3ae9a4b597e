"""What ends a command from outside: SIGTERM, and a terminal that goes away (SIGHUP), interrupt like Ctrl-C does.

Handlers are set before anything is imported that takes time. `nohup` still holds: SIGHUP is left alone where it is ignored.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType


def numbers() -> tuple[signal.Signals, ...]:
    """The signals that interrupt."""
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hung_up)


def begin() -> None:
    """From now on each of them raises KeyboardInterrupt, unless it is ignored."""
    for number in numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def end() -> None:
    """From now on they change nothing: what was done stands."""
    for number in numbers():
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Ignores them for a moment: what is done here is done whole."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def heard(number: int) -> None:
    """For a handler: a terminal says more than once that it goes, and what is told to it afterwards would be an error."""
    if number != signal.SIGHUP:
        return
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for output in (1, 2):
        try:
            os.write(output, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, output)
            os.close(nowhere)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    heard(number)
    raise KeyboardInterrupt
