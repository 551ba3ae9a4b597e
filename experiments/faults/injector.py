"""Makes a trial's faults happen at their instants, each in a thread of its own."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from experiments.faults.fault import Fault

Parts = Callable[[], Mapping[str, Sequence[Any]]]


class Injector:
    """The faults of one trial."""

    def __init__(self) -> None:
        #: What was done so far, as a trial's record holds it.
        self.seen: list[dict[str, Any]] = []
        #: Held while one happens: who is killed is noted before anybody may ask who died.
        self.happening = threading.Lock()
        self._over = threading.Event()
        self._done: list[Future[None]] = []

    def begin(self, faults: Sequence[Fault], start_mono_ns: int, parts: Parts) -> None:
        """Waits for the instant of each, counted from `start_mono_ns`."""
        for fault in faults:
            done: Future[None] = Future()
            self._done.append(done)
            # A daemon: a stall that lasts doesn't hold up whoever interrupts the trial.
            threading.Thread(target=self._wait, args=(fault, start_mono_ns, parts, done), daemon=True).start()

    def join(self) -> None:
        """Waits until all have happened. Raises: what one of them raised."""
        for done in self._done:
            done.result()

    def end(self) -> None:
        """None happens any more."""
        self._over.set()

    def _wait(self, fault: Fault, start_mono_ns: int, parts: Parts, done: Future[None]) -> None:
        due_ns = start_mono_ns + round(fault.at_s * 1e9)
        if self._over.wait(max(0.0, (due_ns - time.monotonic_ns()) / 1e9)):
            return
        try:
            with self.happening:
                what = fault.inject(parts())
                self.seen.append({**msgspec.to_builtins(fault), "at_mono_ns": time.monotonic_ns(), "done": what})
        except Exception as error:  # noqa: BLE001 - told to whoever joins
            done.set_exception(error)
        else:
            done.set_result(None)
        self._over.wait()  # a process that this thread started would be killed at its end (PR_SET_PDEATHSIG)
