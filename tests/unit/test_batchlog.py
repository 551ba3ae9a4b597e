"""The batch log: rows leave for the file as they come, and are read back as they were written."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from loadgen import batchlog
from loadgen.batchlog import BATCH, OVERFLOWED, RESENT, BatchLog


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        (1, 2, 3, 4, 5, 6, 0),
        (2**32 - 1, 2**64 - 1, 2**32 - 1, 2**63 - 1, 0, 0, OVERFLOWED | RESENT),
    ]
    log = BatchLog(tmp_path / "batches.bin")
    for agent, first, count, cut, sent, acked, flags in rows:
        log.write(agent, first, count, cut, sent, acked, flags)
    log.close()
    found = np.fromfile(tmp_path / "batches.bin", BATCH)
    assert BATCH.itemsize == 41
    names = ("agent", "first", "count", "cut_mono_ns", "sent_mono_ns", "acked_mono_ns", "flags")
    assert [tuple(int(row[name]) for name in names) for row in found] == rows


def test_an_empty_log_is_an_empty_file(tmp_path: Path) -> None:
    BatchLog(tmp_path / "batches.bin").close()
    assert (tmp_path / "batches.bin").read_bytes() == b""


def test_memory_stays_small_while_rows_come(tmp_path: Path) -> None:
    log = BatchLog(tmp_path / "batches.bin")
    count = 3 * batchlog._FLUSH_BYTES // BATCH.itemsize
    for number in range(count):
        log.write(0, number, 1, 0, 0, 0, 0)
    assert (tmp_path / "batches.bin").stat().st_size >= 2 * batchlog._FLUSH_BYTES
    assert len(log._waiting) < batchlog._FLUSH_BYTES
    log.close()
    assert np.fromfile(tmp_path / "batches.bin", BATCH)["first"].tolist() == list(range(count))


FULL = """
import asyncio
from pathlib import Path
from loadgen.batchlog import BATCH, BatchLog, _FLUSH_BYTES

class Reader(asyncio.Protocol):
    def data_received(self, data):
        for number in range(_FLUSH_BYTES // BATCH.itemsize + 1):
            log.write(0, number, 1, 0, 0, 0, 0)

async def main():
    server = await asyncio.get_running_loop().create_server(Reader, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"rows come")
    await asyncio.sleep(20)
    print("went on")

log = BatchLog(Path("/dev/full"))
if LOOP == "uvloop":
    from uvloop import run
else:
    from asyncio import run
run(main())
"""


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_on_a_full_disk_the_process_ends_even_in_a_callback(loop: str) -> None:
    """Both event loops swallow an OSError that a protocol raises."""
    ended = subprocess.run(
        [sys.executable, "-c", FULL.replace("LOOP", repr(loop))], capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "/dev/full can't be written: No space left on device\n"
