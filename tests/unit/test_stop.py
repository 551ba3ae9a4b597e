"""A stop may be set by a signal at any moment of the wait for it; an Event may not, which is why there is one."""

import subprocess
import sys
import threading
import time

from system.stop import Stop

#: A signal sets the stop at some step of the wait for it, 2,000 times.
STORM = """
import signal, threading
from system.stop import Stop
signal.signal(signal.SIGALRM, lambda *_: stop.set())
for _ in range(2000):
    stop = {make}()
    signal.setitimer(signal.ITIMER_REAL, 2e-5)
    while not stop.is_set():
        stop.wait(0.0)
print("through")
"""


def storm(make: str, deadline_s: float) -> str:
    try:
        return subprocess.run(
            [sys.executable, "-c", STORM.format(make=make)],
            timeout=deadline_s,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except subprocess.TimeoutExpired:
        return "stuck\n"


def test_a_signal_may_set_it_at_any_moment_of_the_wait() -> None:
    assert storm("Stop", 30.0) == "through\n"


def test_an_event_would_get_stuck() -> None:
    assert storm("threading.Event", 2.0) == "stuck\n"


def test_it_is_not_set_until_it_is_set_and_then_for_good() -> None:
    stop = Stop()
    assert not stop.wait(0.0)
    assert not stop.is_set()
    stop.set()
    assert stop.is_set()
    assert stop.wait(10.0)
    assert stop.wait(10.0)


def test_another_thread_ends_the_wait() -> None:
    stop = Stop()
    threading.Timer(0.02, stop.set).start()
    begun = time.monotonic()
    assert stop.wait(10.0)
    assert time.monotonic() - begun < 5.0
