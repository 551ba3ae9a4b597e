"""Counters that one process writes and others read while it runs: a small memory-mapped file of 64-bit numbers.

One writer a file; a reader sees each number whole (aligned 8-byte stores), but not all of one moment.
"""

import mmap
from pathlib import Path
from typing import Final, Self

import numpy as np

from loadgen.passage import BUCKETS

SWARM: Final = ("connected", "cut_batches", "cut_records", "sent_batches", "sent_records", "acked_batches",
                "acked_records", "overflowed_batches", "reconnects", "loaded", "sent_bytes",
                "received_bytes")  # fmt: skip
RECORDER: Final = ("rows", "batches", "records", "hits", "dead_batches", "last_commit_mono_ns", *BUCKETS)


class Progress:
    """Named counters in a file. `values` is the live array, in the order of the names."""

    def __init__(self, path: Path, names: tuple[str, ...], *, create: bool) -> None:
        self.names = names
        if create:
            path.write_bytes(bytes(8 * len(names)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8 * len(names))
        self.values = np.frombuffer(self._map, dtype=np.int64)

    @classmethod
    def create(cls, path: Path, names: tuple[str, ...]) -> Self:
        """For the writer: the file, all zero."""
        return cls(path, names, create=True)

    @classmethod
    def read(cls, path: Path, names: tuple[str, ...]) -> Self:
        """For a reader. Raises: FileNotFoundError if the writer hasn't begun."""
        return cls(path, names, create=False)

    def __getitem__(self, name: str) -> int:
        return int(self.values[self.names.index(name)])

    def part(self, names: tuple[str, ...]) -> np.ndarray:
        """The live counters of names that stand one after another."""
        begin = self.names.index(names[0])
        return self.values[begin : begin + len(names)]

    def add(self, name: str, amount: int = 1) -> None:
        """Adds to a counter (the writer only)."""
        self.values[self.names.index(name)] += amount

    def set(self, name: str, value: int) -> None:
        """Sets a counter (the writer only)."""
        self.values[self.names.index(name)] = value
