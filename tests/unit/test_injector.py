"""Faults happen at their instants; what one of them raises is told, and none happens once the trial is over."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from experiments.faults.fault import Fault
from experiments.faults.injector import Injector


class Noted(Fault, frozen=True, kw_only=True, tag="noted"):
    """Notes the thread that it happened in."""

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        return {"parts": sorted(parts), "thread": threading.current_thread()}


class Broken(Fault, frozen=True, kw_only=True, tag="broken"):
    """Can't happen."""

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        raise RuntimeError("there is nobody to kill")


@pytest.fixture
def injector() -> Any:
    injector = Injector()
    yield injector
    injector.end()


def test_what_happened_is_noted_with_its_instant(injector: Injector) -> None:
    start = time.monotonic_ns()
    injector.begin([Noted(at_s=0.02)], start, lambda: {"workers": []})
    injector.join()
    (seen,) = injector.seen
    assert (seen["kind"], seen["done"]["parts"]) == ("noted", ["workers"])
    assert seen["at_mono_ns"] >= start + 20_000_000


def test_what_a_fault_raises_is_raised_and_not_noted(injector: Injector) -> None:
    injector.begin([Broken(at_s=0.0)], time.monotonic_ns(), dict)
    with pytest.raises(RuntimeError, match="nobody to kill"):
        injector.join()
    assert injector.seen == []


def test_a_thread_outlives_what_it_may_have_started(injector: Injector) -> None:
    """The kernel kills a process with the thread that started it, if that was asked for."""
    injector.begin([Noted(at_s=0.0)], time.monotonic_ns(), dict)
    injector.join()
    thread = injector.seen[0]["done"]["thread"]
    thread.join(0.05)
    assert thread.is_alive()
    injector.end()
    thread.join(10.0)
    assert not thread.is_alive()


def test_none_happens_once_the_trial_is_over(injector: Injector) -> None:
    before = set(threading.enumerate())
    injector.begin([Noted(at_s=30.0)], time.monotonic_ns(), dict)
    (waiting,) = set(threading.enumerate()) - before
    injector.end()
    waiting.join(10.0)
    assert not waiting.is_alive()
    assert injector.seen == []
