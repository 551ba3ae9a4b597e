"""Rotated files: which came after one that was read, and where one is now that had another name.

Reads the folder of the followed file. A rotated file is known by its name: that of the log, a separator, and a number, a
date or `old` (`app.log.1`, `app.log-20260131`). Files are ordered by the time of their last write, and by their numbers
or dates where that is the same; compressed ones are left out.
"""

import os
import re
import stat
from pathlib import Path
from typing import Final, NamedTuple

from system.agent.place import FileId, OpenFile, Place, fingerprint

#: After the log's own name. No extension follows: `.gz` is what rotation made of a file that was read before.
_SUFFIX: Final = re.compile(r"[.\-_](\d[\d\-_.T:]*|old)")

#: A number below is a count (1 is the youngest), one from here on a date (the greatest is the youngest).
_FIRST_DATE: Final = 1_000_000


class Found(NamedTuple):
    """A file in the folder."""

    path: Path
    status: os.stat_result


def _files(path: Path) -> list[Found]:
    """The regular files beside `path`, and itself first if it is there."""
    found = []
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except OSError:
                    continue  # it has just been renamed or removed
                if stat.S_ISREG(status.st_mode):
                    found.append(Found(path.parent / entry.name, status))
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda one: one.path.name != path.name)


def _suffix(name: str, log: str) -> str | None:
    """What rotation put behind a log's name; None if this isn't one of its rotated files."""
    match = _SUFFIX.fullmatch(name.removeprefix(log)) if name.startswith(log) else None
    return None if match is None else match[1]


def _age(suffix: str) -> int:
    """Numbers that grow with a rotated file's youth."""
    digits = int("0" + "".join(filter(str.isdigit, suffix)))
    return digits if digits >= _FIRST_DATE else -digits


def after(path: Path, file: OpenFile) -> list[Path]:
    """The rotated files of the log `path` that were written after `file`, oldest first."""
    ranked = []
    own = (file.status.st_mtime_ns, -_FIRST_DATE)  # if it has been removed: only the time of its last write is known
    for one in _files(path):
        if (suffix := _suffix(one.path.name, path.name)) is None:
            continue
        rank = (one.status.st_mtime_ns, _age(suffix))
        if file.is_same(one.status):
            own = rank
        else:
            ranked.append((rank, one.path))
    return [found for rank, found in sorted(ranked) if rank > own]


def copy_of(path: Path, known: FileId, offset: int) -> Path | None:
    """The rotated file of the log `path` into which that file was copied, with at least `offset` bytes."""
    for one in _files(path):
        is_other = one.path.name != path.name and (one.status.st_dev, one.status.st_ino) != (known.device, known.inode)
        if is_other and _suffix(one.path.name, path.name) is not None and _fits(one, known, offset):
            return one.path
    return None


def find(path: Path, place: Place) -> Path | None:
    """Where the file of `place` is now: by inode and fingerprint under any name in the folder, else as a copy."""
    for one in _files(path):
        is_it = (one.status.st_dev, one.status.st_ino) == (place.file.device, place.file.inode)
        if is_it and _fits(one, place.file, place.offset):
            return one.path
    return copy_of(path, place.file, place.offset) if place.file.head_bytes else None


def _fits(one: Found, known: FileId, offset: int) -> bool:
    if one.status.st_size < max(offset, known.head_bytes):
        return False
    try:
        with one.path.open("rb") as file:
            return fingerprint(file.read(known.head_bytes)) == known.head
    except OSError:
        return False  # gone since, or not ours to read
