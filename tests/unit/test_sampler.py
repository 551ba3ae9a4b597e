"""The sampler: when it asks, what it keeps, and that a probe that fails costs its own figures alone."""

import math
import threading
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from experiments.probes.log import ReadingLog
from experiments.probes.probe import ProbeError, Reading
from experiments.probes.sampler import Sampler
from experiments.store.tables import PROBES


class Counting:
    """A probe that counts how often it was asked, and may fail."""

    def __init__(self, name: str, least_period_s: float = 0.0, fails: Callable[[int], bool] = lambda _: False) -> None:
        self.name = name
        self.least_period_s = least_period_s
        self.missing = {"x": "not on this machine"}
        self.asked = 0
        self.closed = 0
        self.enough = threading.Event()
        self._fails = fails

    def sample(self) -> list[Reading]:
        self.asked += 1
        if self.asked >= 20:
            self.enough.set()
        if self._fails(self.asked):
            raise ProbeError("nobody answers")
        return [Reading("broker", "queued_tasks", self.asked)]

    def close(self) -> None:
        self.closed += 1


def test_a_probe_is_asked_once_in_each_period_and_its_readings_are_kept() -> None:
    probe = Counting("fast")
    sampler = Sampler([probe], 0.01, seed=3)
    begin = time.monotonic_ns()
    sampler.start()
    assert probe.enough.wait(10)
    sampler.stop()
    table = sampler.table()
    own = table[table["part"] == "probes"]
    table = table[table["part"] != "probes"]
    assert table["value"].tolist() == list(range(1, probe.asked + 1))
    assert set(zip(table["probe"], table["part"], table["figure"], strict=True)) == {("fast", "broker", "queued_tasks")}
    at = table["at_mono_ns"]
    assert (own["at_mono_ns"] == at).all()
    assert set(own["figure"]) == {"cpu_s"}
    assert own["value"][0] == 0
    assert (np.diff(own["value"]) >= 0).all()
    assert own["value"][-1] <= sampler.notes()["fast"].cpu_s
    assert begin <= at[0]
    assert (np.diff(at) > 0).all()
    assert at[-1] <= time.monotonic_ns()
    # At most one in a period, after the first sample: so many fit at most.
    assert len(at) - 1 <= (at[-1] - begin) / 1e7 + 1
    note = sampler.notes()["fast"]
    assert (note.samples, note.failures, note.missing) == (probe.asked, {}, {"x": "not on this machine"})
    assert note.cpu_s > 0


def test_instants_are_random_within_their_periods() -> None:
    probe = Counting("fast")
    sampler = Sampler([probe], 0.02, seed=1)
    sampler.start()
    assert probe.enough.wait(20)
    sampler.stop()
    distances = np.diff(np.unique(sampler.table()["at_mono_ns"])[1:]) / 2e7
    assert distances.std() > 0.1  # in step, it would be 0; of two uniform instants it is 0.41


def test_a_dear_probe_is_asked_at_marks_alone() -> None:
    dear, fast = Counting("dear", math.inf), Counting("fast")
    sampler = Sampler([dear, fast], 0.005)
    sampler.start()
    assert fast.enough.wait(10)
    assert dear.asked == 1
    sampler.mark()
    assert dear.asked == 2
    sampler.stop()
    assert (dear.closed, fast.closed) == (1, 1)
    sampler.stop()
    assert (dear.closed, fast.closed) == (1, 1)


def test_a_probe_that_fails_costs_its_own_samples_and_is_noted() -> None:
    ill, well = Counting("ill", fails=lambda turn: turn % 2 == 0), Counting("well")
    sampler = Sampler([ill, well], 0.005)
    sampler.start()
    assert well.enough.wait(10)
    sampler.stop()
    notes = sampler.notes()
    assert notes["ill"].failures == {"nobody answers": ill.asked // 2}
    assert notes["ill"].samples == ill.asked - ill.asked // 2
    assert notes["well"].samples == well.asked


def test_a_defect_of_a_probe_is_not_hidden() -> None:
    class Broken(Counting):
        def sample(self) -> list[Reading]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Sampler([Broken("broken")], 0.1).start()


def test_a_defect_in_the_thread_is_raised_at_the_next_mark_and_at_the_end() -> None:
    probe = Counting("late defect", fails=lambda _: False)

    def sample() -> list[Reading]:
        probe.asked += 1
        if probe.asked > 1:
            probe.enough.set()
            raise ZeroDivisionError
        return []

    probe.sample = sample  # type: ignore[method-assign]
    sampler = Sampler([probe], 0.005)
    sampler.start()
    assert probe.enough.wait(10)
    with pytest.raises(ZeroDivisionError):
        sampler.mark()
    with pytest.raises(ZeroDivisionError):
        sampler.stop()
    assert probe.closed == 1


def test_without_probes_nothing_runs_and_the_table_is_empty() -> None:
    sampler = Sampler([], 0.1)
    sampler.start()
    sampler.mark()
    sampler.stop()
    assert len(sampler.table()) == 0
    assert sampler.notes() == {}


def test_readings_are_given_back_and_not_held() -> None:
    log, taken = ReadingLog(), 20_000
    tracemalloc.start()
    for instant in range(taken):
        log.add("queue", instant, [Reading("broker", "queued_tasks", instant / 3), Reading("broker", "held_tasks", 2)])
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 100_000  # as objects they were some 150 bytes each, 6 MB
    table = log.table()
    assert table.dtype == PROBES
    assert table["at_mono_ns"].tolist() == [instant for instant in range(taken) for _ in "ab"]
    assert table["figure"].tolist() == ["queued_tasks", "held_tasks"] * taken
    assert table["value"][0::2].tolist() == [instant / 3 for instant in range(taken)]
    assert set(zip(table["probe"], table["part"], table["value"][1::2].repeat(2), strict=True)) == {
        ("queue", "broker", 2)
    }
