"""Engine `emulated`: waits a drawn service time for each batch, and finds nothing.

With it a worker is a server whose service times are known, so that what the pipeline adds can be told from what the scan
takes, and the pipeline be held against queueing theory. The times come from `service_time`, which an analysis can ask for
the very same ones. It waits and computes nothing meanwhile, so several workers may share a CPU core.

The wait counts from the call's begin. Of several batches in one task each waits its own time, one after the other.
"""

import time
from typing import Final

from system.engine.engine import Hits, Offsets, hits_of
from system.engine.service_time import service_times_s
from system.settings import Emulated
from system.wire.chunk import Chunk

#: The last part of a wait is spent looking at the clock: a sleeper is woken late, by the kernel's timer slack (50 us) and
#: what the scheduler takes. Lateness of waits of 20 ms (2-core AMD EPYC guest, 2026-11): median 3 us, 90 % within 53 us;
#: without it 119 and 219 us.
SPIN_NS: Final = 150_000


class EmulatedEngine:
    """The engine that takes the time of a scan and does none. It has signatures, like any engine, and runs none."""

    name = "emulated"

    def __init__(self, emulated: Emulated) -> None:
        self._emulated = emulated

    def scan(self, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """Waits as for the first batch of agent 0, and gives no hits."""
        return self.scan_chunk(Chunk(0, 0, 0, len(starts)), buffer, starts, ends)

    def scan_chunk(self, chunk: Chunk, buffer: bytes, starts: Offsets, ends: Offsets) -> Hits:
        """Waits the batch's service time, and gives no hits."""
        begin_mono_ns = time.monotonic_ns()
        # Of another client's batch the records found in it count: its chunk says none.
        service_s = service_times_s(self._emulated, chunk.agent, chunk.first, len(starts)).item()
        wait_until(begin_mono_ns + round(service_s * 1e9))
        return hits_of(())


def wait_until(instant_mono_ns: int) -> None:
    """Returns at an instant of CLOCK_MONOTONIC, or at once if it is past. Never early."""
    left_ns = instant_mono_ns - time.monotonic_ns()
    if left_ns > SPIN_NS:
        time.sleep((left_ns - SPIN_NS) / 1e9)
    while time.monotonic_ns() < instant_mono_ns:
        pass  # not sleep(0): it sleeps for the timer slack
