"""The emulated engine: it waits what it says, never less, without using the CPU; and finds nothing."""

import time

import pytest

from system.engine import emulated as module
from system.engine.emulated import EmulatedEngine, wait_until
from system.engine.engine import ChunkEngine
from system.engine.equality import lay_out
from system.engine.re_engine import ReEngine
from system.engine.service_time import service_times_s
from system.settings import Emulated
from system.wire.chunk import Chunk


class Clock:
    """A clock that a sleep advances by more than it was asked, as a kernel's does, and each look by a microsecond."""

    def __init__(self, late_ns: int) -> None:
        self.now_ns = 10**12
        self.slept_ns: list[int] = []
        self.looks = 0
        self._late_ns = late_ns

    def monotonic_ns(self) -> int:
        self.looks += 1
        self.now_ns += 1000
        return self.now_ns

    def sleep(self, duration_s: float) -> None:
        self.slept_ns.append(round(duration_s * 1e9))
        self.now_ns += self.slept_ns[-1] + self._late_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(late_ns=60_000)
    monkeypatch.setattr(module, "time", made)
    return made


def test_a_wait_ends_at_its_instant_though_sleep_is_late(clock: Clock) -> None:
    instant = clock.now_ns + 20_000_000
    wait_until(instant)
    assert instant <= clock.now_ns <= instant + 2000
    assert len(clock.slept_ns) == 1


def test_it_sleeps_nearly_all_of_a_long_wait(clock: Clock) -> None:
    wait_until(clock.now_ns + 20_000_000)
    assert sum(clock.slept_ns) >= 20_000_000 - module.SPIN_NS - 2000
    assert clock.looks < 200


def test_a_past_instant_is_no_wait(clock: Clock) -> None:
    wait_until(clock.now_ns - 5)
    assert clock.slept_ns == []


def test_a_batch_waits_its_own_service_time_from_the_calls_begin(clock: Clock) -> None:
    settings = Emulated(distribution="exponential", service_s=0.01, seed=3)
    engine = EmulatedEngine(settings)
    records = lay_out([b"evil"] * 5)
    for chunk in (Chunk(1, 2, 30, 5), Chunk(9, 2, 35, 5)):  # the epoch has no say: each run has one of its own
        begin = clock.now_ns
        found = engine.scan_chunk(chunk, *records)
        due = service_times_s(settings, chunk.agent, chunk.first, 5).item()
        assert due <= (clock.now_ns - begin) / 1e9 <= due + 5e-6
        assert (found.record.size, found.signature.size) == (0, 0)


def test_another_clients_batch_counts_by_the_records_found_in_it(clock: Clock) -> None:
    begin = clock.now_ns
    EmulatedEngine(Emulated(service_s=0.001, per="record")).scan_chunk(Chunk(0, 2**32 - 1, 77, 0), *lay_out([b"x"] * 8))
    assert 0.008 <= (clock.now_ns - begin) / 1e9 <= 0.008 + 5e-6


def test_workers_know_the_richer_call_by_its_presence() -> None:
    assert isinstance(EmulatedEngine(Emulated()), ChunkEngine)
    assert not isinstance(ReEngine(()), ChunkEngine)


def test_real_waits_are_never_short_and_use_little_of_the_cpu() -> None:
    """How late they are is the machine's (SPIN_NS says how late on one). A wait that only spins would use all of its time."""
    begin_s, cpu_s = time.monotonic(), time.thread_time()
    late = []
    for _ in range(50):
        instant = time.monotonic_ns() + 5_000_000
        wait_until(instant)
        late.append(time.monotonic_ns() - instant)
    assert min(late) >= 0
    assert time.thread_time() - cpu_s < 0.25 * (time.monotonic() - begin_s)
