"""Files: a ring of a user's own log lines.

Flow: paths -> their lines, one record a line, in the order given -> Ring without labels; agents go round it like any
other.

Invariants: bytes as they are, whatever their encoding; only the line end (LF or CR LF) is taken away, so an empty
line is an empty record. Nothing is dropped in silence: files that don't fit are refused, and a size that cuts or
repeats them is the caller's word. One of the two modules of `loadgen.model` that
read files, with `arrivals/timestamps.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from loadgen.model.records.ring import Ring

#: A ring stands in memory, in every process of the swarm, and packed beside it.
LIMIT_BYTES = 256 * 1024 * 1024


def from_files(paths: Sequence[Path | str], size: int | None = None) -> Ring:
    """Gives a ring of the lines of these files.

    Args:
        paths: plain text files, read in this order.
        size: records in the ring: the files' first ones, or all of them over and over; None for each line once.

    Raises:
        ValueError: no paths; a file is missing, unreadable or empty; size < 1; or the lines are more than LIMIT_BYTES.
    """
    if not paths:
        raise ValueError('files needs at least one path, got none; for drawn lines use source = "synthetic"')
    if size is not None and size < 1:
        raise ValueError(f"size must be >= 1 record, got {size}; leave it out to take each line once")
    lines: list[bytes] = []
    total_bytes = 0
    for path in paths:
        before = len(lines)
        for line in islice(_lines(Path(path)), None if size is None else size - before):
            lines.append(line)
            total_bytes += len(line)
            if total_bytes > LIMIT_BYTES:
                limit = f"{LIMIT_BYTES // (1024 * 1024)} MiB"
                raise ValueError(
                    f"{path}: a ring holds at most {limit} of lines; give a size to take the first records only"
                )
        if size is not None and len(lines) == size:
            return Ring(tuple(lines), None)
        if len(lines) == before:
            raise ValueError(f"{path} is empty: a ring needs at least one line of each file; leave the file out")
    return Ring(tuple(lines if size is None else islice(cycle(lines), size)), None)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                yield line.removesuffix(b"\n").removesuffix(b"\r")
    except FileNotFoundError:
        raise ValueError(
            f"{path} doesn't exist; paths count from the directory where the command was started"
        ) from None
    except OSError as error:
        raise ValueError(
            f"{path} can't be read ({error.strerror}); name a plain file that this user may read"
        ) from None
