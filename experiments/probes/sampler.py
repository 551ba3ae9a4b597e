"""Asks a trial's probes while it runs, in a thread of the runner, and has a log keep what they said.

Samples fall on random instants, one in each period: at equal distances they would fall in step with flush timers and
constant arrivals, and a mean over them would be no mean over time. `mark` asks every probe at once: the window's two ends.
A probe that can't read costs the trial nothing but its figures; how often and why is noted. What the sampling itself takes is
a figure like others: CPU time of part `probes`, with every sample.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple, Self

import numpy as np

from experiments.probes.log import ReadingLog
from experiments.probes.probe import Parts, Probe, ProbeError, Reading, Watched
from experiments.probes.registry import builders
from experiments.store.record import ProbeNote
from system.broker.connect import client

#: A broker that doesn't answer for so long costs a sample. `mark` may wait as long.
_REPLY_S: Final = 1.0


class Sample(NamedTuple):
    """What one probe said, and when (CLOCK_MONOTONIC)."""

    at_mono_ns: int
    readings: list[Reading]


class Sampler:
    """The probes of one trial; with none it does nothing."""

    def __init__(
        self,
        probes: Sequence[Probe],
        period_s: float,
        *,
        seed: int = 0,
        client: Any = None,
        folder: Path | None = None,
    ) -> None:
        """`client` is closed with the probes; what they said is kept in a file without a name in `folder`."""
        self._probes = probes
        self._client = client
        self._period_s = period_s
        self._random = Random(seed)
        self._log = ReadingLog(folder)
        self._next = dict.fromkeys((probe.name for probe in probes), 0.0)
        self._cpu_s = dict.fromkeys(self._next, 0.0)
        self._taken = dict.fromkeys(self._next, 0)
        self._failures: dict[str, dict[str, int]] = {name: {} for name in self._next}
        self._asking = threading.Lock()
        self._stop = threading.Event()
        self._running: Future[None] | None = None
        #: By probe: its last sample and the one before, for the screen.
        self.latest: dict[str, tuple[Sample | None, Sample]] = {}

    @classmethod
    def over(cls, parts: Parts, url: str, folder: Path, *, names: Sequence[str], period_s: float, seed: int) -> Self:
        """The named probes on a running target: its processes, its broker's URL, the folder that the swarm writes in."""
        if not names:
            return cls((), period_s)
        connection = client(url, reply_s=_REPLY_S)
        watched = Watched(parts, connection, folder)
        probes = [build(watched) for build in builders(names).values()]
        return cls(probes, period_s, seed=seed, client=connection, folder=folder)

    def start(self) -> None:
        """Takes a first sample of everything and begins."""
        self.mark()
        if self._probes:
            pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="probes")
            self._running = pool.submit(self._run)
            pool.shutdown(wait=False)

    def _run(self) -> None:
        begin = time.monotonic()
        turn = 0
        while True:
            due = begin + (turn + self._random.random()) * self._period_s
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            # A turn that took longer than its period makes the next ones fall out, not come in a burst.
            turn = max(turn + 1, int((time.monotonic() - begin) / self._period_s))
            self._ask(due)

    def mark(self) -> None:
        """Asks every probe now. Raises: what a probe raised beside ProbeError, now or in the thread: it has a defect."""
        if self._running is not None and self._running.done():
            self._running.result()
        self._ask(float("inf"))

    def _ask(self, due: float) -> None:
        with self._asking:
            for probe in self._probes:
                if due >= self._next[probe.name]:
                    self._next[probe.name] = time.monotonic() + probe.least_period_s
                    self._one(probe)

    def _one(self, probe: Probe) -> None:
        name = probe.name
        own = Reading("probes", "cpu_s", self._cpu_s[name])  # what all samples before this one took
        before_ns, before_s = time.monotonic_ns(), time.thread_time()
        try:
            readings = probe.sample()
        except ProbeError as error:
            why = self._failures[name]
            why[str(error)] = why.get(str(error), 0) + 1
            return
        finally:
            self._cpu_s[name] += time.thread_time() - before_s
        sample = Sample((before_ns + time.monotonic_ns()) // 2, [*readings, own])
        self._taken[name] += 1
        self._log.add(name, sample.at_mono_ns, sample.readings)
        last = self.latest.get(name)
        self.latest[name] = (None if last is None else last[1], sample)

    def stop(self) -> None:
        """Ends it and closes the probes; a second time does nothing. Raises: as `mark`."""
        if self._stop.is_set():
            return
        self._stop.set()
        try:
            if self._running is not None:
                self._running.result()
        finally:
            for probe in self._probes:
                probe.close()
            if self._client is not None:
                self._client.close()

    def table(self) -> np.ndarray:
        """All readings, in the order in which they were taken. After `stop`."""
        return self._log.table()

    def notes(self) -> dict[str, ProbeNote]:
        """What each probe cost, and what it couldn't read. After `stop`."""
        return {
            probe.name: ProbeNote(
                samples=self._taken[probe.name],
                cpu_s=self._cpu_s[probe.name],
                missing=dict(probe.missing),
                failures=self._failures[probe.name],
            )
            for probe in self._probes
        }
