"""The schedule of a swarm process, in a file and played in pieces: memory doesn't grow with a trial's length.

Flow: the batches of one agent after another (`loadgen.model.schedule.batches`) -> SLICES files by the time of their cut
-> each put in order -> one file in the order of the play. Held in memory: a slice at the most. In one piece a schedule took
32 bytes a batch and some 100 while it was put in order: 55 MB more for twenty minutes of 500 batches a second, as much as
all else of the swarm.
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import numpy as np

from loadgen.model.schedule import Columns, Schedule, in_order
from loadgen.nameless import nameless

#: Of a trial's time.
SLICES: Final = 64

#: Batches that are read at a time.
AHEAD: Final = 4096

_ROW_BYTES: Final = 32


class Plan:
    """A schedule in the order of its batches, in a file without a name."""

    def __init__(self, parts: Iterable[Columns], horizon_ns: int, folder: Path | None = None) -> None:
        """`parts`: batches in any order, none after `horizon_ns`. The files lie in `folder`, or where temporary ones do."""
        self.batches = 0
        self._file = nameless(self, folder)
        width_ns = horizon_ns // SLICES + 1
        with contextlib.ExitStack() as held:
            slices = [held.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(SLICES)]
            for part in parts:
                _deal(part, slices, width_ns)
            for one in slices:
                rows = _read(one, 0, -1)
                ordered = in_order(*rows.T)
                columns = (ordered.time_ns, ordered.agent, ordered.first, ordered.count)
                self._file.write(np.column_stack(columns).tobytes())
                self.batches += len(rows)

    def pieces(self) -> Iterator[Schedule]:
        """The schedule, AHEAD batches at a time."""
        for at in range(0, self.batches, AHEAD):
            yield Schedule(*_read(self._file, at, AHEAD).T)


def _deal(part: Columns, slices: Sequence[IO[bytes]], width_ns: int) -> None:
    rows = np.column_stack(part)
    into = rows[:, 0] // width_ns
    order = np.argsort(into, kind="stable")
    edges = np.searchsorted(into[order], np.arange(len(slices) + 1))
    for number, file in enumerate(slices):
        if edges[number] < edges[number + 1]:
            file.write(rows[order[edges[number] : edges[number + 1]]].tobytes())


def _read(file: IO[bytes], first: int, most: int) -> np.ndarray:
    """So many rows of time_ns, agent, first and count; all that follow for -1."""
    file.seek(first * _ROW_BYTES)
    return np.frombuffer(file.read(max(-1, most * _ROW_BYTES)), np.int64).reshape(-1, 4)
