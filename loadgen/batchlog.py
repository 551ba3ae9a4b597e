"""What the swarm writes of each batch, 41 bytes, when it is acknowledged or the load is over: batches.bin.

Instants are CLOCK_MONOTONIC ns; 0 means never. Memory stays small: rows leave for the file as they come.
"""

import os
import struct
from pathlib import Path
from typing import Final

import numpy as np

OVERFLOWED: Final = 1  # dropped by the agent, whose buffer was full
RESENT: Final = 2  # sent more than once

BATCH: Final = np.dtype(
    [
        ("agent", "<u4"),
        ("count", "<u4"),
        ("first", "<u8"),
        ("cut_mono_ns", "<i8"),
        ("sent_mono_ns", "<i8"),
        ("acked_mono_ns", "<i8"),
        ("flags", "u1"),
    ]
)
_pack = struct.Struct("<IIQqqqB").pack
_FLUSH_BYTES: Final = 1 << 20


class BatchLog:
    """Appends rows to batches.bin. Where that fails, on a full disk, the process ends and says so."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._waiting = bytearray()

    def write(self, agent: int, first: int, count: int, cut: int, sent: int, acked: int, flags: int) -> None:
        """One batch at its end."""
        self._waiting += _pack(agent, count, first, cut, sent, acked, flags)
        if len(self._waiting) >= _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        try:
            self._file.write(self._waiting)
            self._file.flush()
        except OSError as error:
            # An event loop swallows what its callbacks raise, and the load would go on without an account of it.
            os.write(2, f"{self._file.name} can't be written: {error.strerror}\n".encode())
            os._exit(1)
        self._waiting.clear()

    def close(self) -> None:
        """Writes the rest."""
        self._flush()
        self._file.close()
