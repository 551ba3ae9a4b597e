"""Counters that one process writes and others read while it runs: a small memory-mapped file of 64-bit numbers.

One writer a file; a reader sees each number whole (aligned 8-byte stores), but not all of one moment.
"""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np

from loadgen.passage import BUCKETS

SWARM: Final = ("connected", "cut_batches", "cut_records", "sent_batches", "sent_records", "acked_batches",
                "acked_records", "overflowed_batches", "reconnects", "loaded", "sent_bytes",
                "received_bytes")  # fmt: skip
RECORDER: Final = ("rows", "batches", "records", "hits", "dead_batches", *BUCKETS)


class Progress:
    """Named counters in a file."""

    def __init__(self, path: Path, names: tuple[str, ...], *, create: bool) -> None:
        self.names = names
        if create:
            path.write_bytes(bytes(8 * len(names)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * len(names))
        #: The live counters, in the order of the names. A memoryview, whose items are plain integers: for one that
        #: counts each batch, numpy's scalars took ten times as long.
        self.cells = memoryview(self._map).cast("q")

    @classmethod
    def create(cls, path: Path, names: tuple[str, ...]) -> Self:
        """For the writer: the file, all zero."""
        return cls(path, names, create=True)

    @classmethod
    def read(cls, path: Path, names: tuple[str, ...]) -> Self:
        """For a reader. Raises: FileNotFoundError if the writer hasn't begun."""
        return cls(path, names, create=False)

    def __getitem__(self, name: str) -> int:
        return self.cells[self.names.index(name)]

    def part(self, names: tuple[str, ...]) -> np.ndarray:
        """The live counters of names that stand one after another."""
        begin = self.names.index(names[0])
        return np.frombuffer(self._map, np.int64)[begin : begin + len(names)]

    def add(self, name: str, amount: int = 1) -> None:
        """Adds to a counter (the writer only)."""
        self.cells[self.names.index(name)] += amount

    def set(self, name: str, value: int) -> None:
        """Sets a counter (the writer only)."""
        self.cells[self.names.index(name)] = value


class Counted(Protocol):
    """What is read of a progress file, or of several."""

    @property
    def names(self) -> tuple[str, ...]:
        """The counters there are."""
        ...

    def __getitem__(self, name: str) -> int: ...


class Together:
    """The counters of several processes, summed as they are read."""

    def __init__(self, parts: Sequence[Progress]) -> None:
        self._parts = parts
        self.names = parts[0].names

    def __getitem__(self, name: str) -> int:
        return sum(part[name] for part in self._parts)


def recorder_names(swarm_processes: int) -> tuple[str, ...]:
    """The recorder's counters: RECORDER, then for each swarm process the batches of its agents that came to an end."""
    return (*RECORDER, *(f"ended_{number}" for number in range(swarm_processes)))
