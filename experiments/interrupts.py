"""What ends a command from outside: SIGTERM, and a terminal that goes away (SIGHUP), interrupt like Ctrl-C does.

Handlers are set before anything is imported that takes time. `nohup` still holds: SIGHUP is left alone where it is ignored.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

#: The exit code of a command that was interrupted.
INTERRUPTED: Final = 130

Handler = Callable[[int, FrameType | None], Any] | signal.Handlers


def numbers() -> tuple[signal.Signals, ...]:
    """The signals that interrupt."""
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hung_up)


def begin() -> None:
    """From now on each of them raises KeyboardInterrupt, unless it is ignored."""
    _handle(_interrupt)


def end() -> None:
    """From now on they change nothing: what was done stands."""
    for number in numbers():
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def handled(by: Handler) -> Iterator[None]:
    """Meanwhile they do this, unless they are ignored; afterwards what they did before."""
    before = _handle(by)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leaving() -> contextlib.AbstractContextManager[None]:
    """Meanwhile they end the process at once: for imports, before anything is begun that would have to be ended.

    An exception in the middle of an import can come out as any other: Python 3.11 makes a RuntimeError of one that is raised
    while a class sets its attributes' names.
    """
    return handled(_leave)


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


def _leave(number: int, _frame: FrameType | None) -> None:
    heard(number)
    os.write(2, b"caudal: interrupted\n")
    os._exit(INTERRUPTED)


def _handle(by: Handler) -> dict[int, Any]:
    """Sets the handler of each that isn't ignored, and returns those before."""
    wanted = [number for number in numbers() if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, by) for number in wanted}
