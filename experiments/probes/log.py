"""What the probes of a trial said, kept in a file until it is over: the runner's memory doesn't grow with a trial's length.

20 bytes a reading, some 180 a second; as Python objects they were about 150 each, 30 MB after twenty minutes.
"""

import struct
from pathlib import Path
from typing import Final

import numpy as np

from experiments.probes.probe import Reading
from experiments.store.tables import PROBES
from loadgen.nameless import nameless

_ROW: Final = np.dtype([("at_mono_ns", "<i8"), ("series", "<u4"), ("value", "<f8")])
_pack: Final = struct.Struct("<qId").pack
#: What tells one series of readings from another.
_NAMES: Final = ("probe", "part", "figure")


class ReadingLog:
    """Readings in the order in which they were taken."""

    def __init__(self, folder: Path | None = None) -> None:
        """The file has no name and is gone with this; it lies in `folder`, or where temporary files do."""
        self._file = nameless(self, folder)
        self._series: dict[tuple[str, str, str], int] = {}

    def add(self, probe: str, at_mono_ns: int, readings: list[Reading]) -> None:
        """What a probe said at an instant."""
        series = self._series
        for part, figure, value in readings:
            number = series.setdefault((probe, part, figure), len(series))
            self._file.write(_pack(at_mono_ns, number, value))

    def table(self) -> np.ndarray:
        """All of them, as PROBES."""
        self._file.seek(0)
        rows = np.frombuffer(self._file.read(), _ROW)
        table = np.empty(len(rows), PROBES)
        for column in ("at_mono_ns", "value"):
            table[column] = rows[column]
        for place, column in enumerate(_NAMES):
            names = np.array([one[place] for one in self._series], PROBES[column])
            table[column] = names[rows["series"]]
        return table
