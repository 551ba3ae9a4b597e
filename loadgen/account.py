"""The account of one swarm process: what became of each batch, counted live and written down.

Flow: the swarm and its agents tell what happens to a batch -> counters in swarm.progress, which the trial watches while
it runs, and one row in batches.bin.

Invariant: every batch that was cut is written once, at its end: acknowledged, overflowed, or given up when the swarm
stops.
"""

from pathlib import Path

from loadgen.batchlog import OVERFLOWED, RESENT, BatchLog
from loadgen.progress import SWARM, Progress


class Batch:
    """One batch between its cut and its end; `sent_mono_ns` is 0 until it was sent."""

    __slots__ = ("count", "cut_mono_ns", "first", "resent", "sent_mono_ns")

    def __init__(self, first: int, count: int, cut_mono_ns: int) -> None:
        self.first = first
        self.count = count
        self.cut_mono_ns = cut_mono_ns
        self.sent_mono_ns = 0
        self.resent = False


class Account:
    """Counters and batch log, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.progress = Progress.create(folder / "swarm.progress", SWARM)
        #: Acknowledgements of what no agent had sent.
        self.bad_acks = 0
        self._log = BatchLog(folder / "batches.bin")

    def cut(self, count: int) -> None:
        """A batch of `count` records was cut."""
        self.progress.add("cut_batches")
        self.progress.add("cut_records", count)

    def sent(self, batch: Batch) -> None:
        """A batch went out for the first time."""
        self.progress.add("sent_batches")
        self.progress.add("sent_records", batch.count)

    def acked(self, agent: int, batch: Batch, now_mono_ns: int) -> None:
        """A batch was acknowledged."""
        self.progress.add("acked_batches")
        self.progress.add("acked_records", batch.count)
        self._write(agent, batch, now_mono_ns, RESENT if batch.resent else 0)

    def overflowed(self, agent: int, batch: Batch) -> None:
        """An agent's buffer was full: the batch is gone."""
        self.progress.add("overflowed_batches")
        self._write(agent, batch, 0, OVERFLOWED)

    def given_up(self, agent: int, batch: Batch) -> None:
        """The swarm stops and the batch was never acknowledged."""
        self._write(agent, batch, 0, RESENT if batch.resent else 0)

    def _write(self, agent: int, batch: Batch, acked_mono_ns: int, flags: int) -> None:
        self._log.write(agent, batch.first, batch.count, batch.cut_mono_ns, batch.sent_mono_ns, acked_mono_ns, flags)

    def close(self) -> None:
        """Writes the rest of the log."""
        self._log.close()
