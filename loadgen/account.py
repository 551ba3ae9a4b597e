"""The account of one swarm process: what became of each batch, counted live and written down.

Flow: the swarm and its agents tell what happens to a batch -> counters in swarm-N.progress, which the trial watches
while it runs, and one row in batches-N.bin.

Invariant: every batch that was cut is written once, at its end: acknowledged, overflowed, or given up when the swarm
stops.
"""

from pathlib import Path
from typing import Final

from loadgen.batchlog import OVERFLOWED, RESENT, BatchLog
from loadgen.progress import SWARM, Progress

#: Places of the counters that move with every batch: looked up by name once, not a million times.
_CUT, _CUT_RECORDS, _SENT, _SENT_RECORDS, _ACKED, _ACKED_RECORDS, _OVERFLOWED, _SENT_BYTES, _RECEIVED_BYTES = (
    SWARM.index(name)
    for name in ("cut_batches", "cut_records", "sent_batches", "sent_records", "acked_batches", "acked_records",
                 "overflowed_batches", "sent_bytes", "received_bytes")
)  # fmt: skip


class Batch:
    """One batch between its cut and its end; `sent_mono_ns` is 0 until it was sent. `agent` is the agent's number."""

    __slots__ = ("agent", "count", "cut_mono_ns", "first", "resent", "sent_mono_ns")

    def __init__(self, agent: int, first: int, count: int, cut_mono_ns: int) -> None:
        self.agent = agent
        self.first = first
        self.count = count
        self.cut_mono_ns = cut_mono_ns
        self.sent_mono_ns = 0
        self.resent = False


class Account:
    """Counters and batch log of process `number`, in `folder`."""

    def __init__(self, folder: Path, number: int) -> None:
        self.progress: Final = Progress.create(progress_path(folder, number), SWARM)
        #: Acknowledgements of what no agent had sent.
        self.bad_acks = 0
        #: Batches that were cut and have not come to their end.
        self.open_batches = 0
        self._cells = self.progress.cells
        self._log = BatchLog(folder / f"batches-{number}.bin")

    def cut(self, count: int) -> None:
        """A batch of `count` records was cut."""
        cells = self._cells
        cells[_CUT] += 1
        cells[_CUT_RECORDS] += count
        self.open_batches += 1

    def sent(self, batch: Batch) -> None:
        """A batch went out for the first time."""
        cells = self._cells
        cells[_SENT] += 1
        cells[_SENT_RECORDS] += batch.count

    def wrote(self, size_bytes: int) -> None:
        """Bytes went to a socket, headers included."""
        self._cells[_SENT_BYTES] += size_bytes

    def read(self, size_bytes: int) -> None:
        """Bytes came from a socket."""
        self._cells[_RECEIVED_BYTES] += size_bytes

    def acked(self, batch: Batch, now_mono_ns: int) -> None:
        """A batch was acknowledged."""
        cells = self._cells
        cells[_ACKED] += 1
        cells[_ACKED_RECORDS] += batch.count
        self._end(batch, now_mono_ns, RESENT if batch.resent else 0)

    def overflowed(self, batch: Batch) -> None:
        """An agent's buffer was full: the batch is gone."""
        self._cells[_OVERFLOWED] += 1
        self._end(batch, 0, OVERFLOWED)

    def given_up(self, batch: Batch) -> None:
        """The swarm stops and the batch was never acknowledged."""
        self._end(batch, 0, RESENT if batch.resent else 0)

    def _end(self, batch: Batch, acked_mono_ns: int, flags: int) -> None:
        self.open_batches -= 1
        self._log.write(
            batch.agent, batch.first, batch.count, batch.cut_mono_ns, batch.sent_mono_ns, acked_mono_ns, flags
        )

    def close(self) -> None:
        """Writes the rest of the log."""
        self._log.close()


def progress_paths(folder: Path) -> list[Path]:
    """Where the swarm processes that have begun count."""
    return sorted(folder.glob("swarm-*.progress"))


def progress_path(folder: Path, number: int) -> Path:
    """Where swarm process `number` counts."""
    return folder / f"swarm-{number}.progress"
