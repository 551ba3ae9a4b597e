"""Where a line stands: in which file, and at which byte. What a file is known by, once its name may have changed.

A name says nothing: rotation gives it to another file. Device and inode say it while a file exists, but file systems
reuse inodes at once (ext4). So the fingerprint of a file's first bytes is kept beside them: a log file grows at its end,
and its beginning, with its first timestamps, is its own.

Source: Fluent Bit (`tail`, inode) and Filebeat (`file_identity.fingerprint`, by default 1,024 bytes).
"""

import bisect
import hashlib
import itertools
import os
import stat
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

#: How many first bytes the fingerprint is of; of fewer while the file is shorter.
HEAD_BYTES: Final = 1024


class FileId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: its device and inode, and the SHA-256 (hex, half of it) of its first `head_bytes` bytes."""

    device: int
    inode: int
    head_bytes: int
    head: str


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Byte `offset` of a file."""

    file: FileId
    offset: int


def fingerprint(head: bytes) -> str:
    """What stands for a file's first bytes."""
    return hashlib.sha256(head).hexdigest()[:32]


class OpenFile:
    """A file that is being read, from `offset` on."""

    def __init__(self, descriptor: int, offset: int = 0) -> None:
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.device, self.inode = status.st_dev, status.st_ino
        #: Where the next read begins.
        self.offset = offset
        self._head = b""
        self._learn()

    @classmethod
    def open(cls, path: Path, offset: int = 0) -> Self:
        """Raises: OSError; IsADirectoryError or another one if it is no regular file."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(f"{path} is no regular file")
        return cls(descriptor, offset)

    def again(self) -> Self:
        """The same file from its beginning, as another one: what it held before is gone."""
        return type(self)(os.dup(self._descriptor))

    @property
    def id(self) -> FileId:
        """What it can be found by later."""
        head = self._head  # once: another thread reads more of it meanwhile
        return FileId(self.device, self.inode, len(head), fingerprint(head))

    @property
    def status(self) -> os.stat_result:
        """Its size and times at present."""
        return os.fstat(self._descriptor)

    def is_same(self, status: os.stat_result) -> bool:
        """Whether `status` is of this file."""
        return (status.st_dev, status.st_ino) == (self.device, self.inode)

    def was_truncated(self) -> bool:
        """Whether it is no longer what it was: shorter than what was read, or with another beginning."""
        return self.status.st_size < self.offset or os.pread(self._descriptor, len(self._head), 0) != self._head

    def read(self, most_bytes: int) -> bytes:
        """The next bytes, none at its present end."""
        block = os.pread(self._descriptor, most_bytes, self.offset)
        self.offset += len(block)
        self._learn()
        return block

    def close(self) -> None:
        """Its identity stays known."""
        os.close(self._descriptor)

    def _learn(self) -> None:
        if len(self._head) < min(HEAD_BYTES, self.offset):
            self._head = os.pread(self._descriptor, min(HEAD_BYTES, self.offset), 0)


class Span(NamedTuple):
    """Lines that follow one another in a file: the number of the first, and where each begins and the last ends."""

    first: int
    file: OpenFile
    offsets: list[int]


class Track:
    """Where the lines that were taken stand, until they are forgotten."""

    def __init__(self) -> None:
        self._spans: deque[Span] = deque()
        #: Lines taken so far: the number of the next one.
        self.lines = 0

    def add(self, file: OpenFile, begin: int, sizes: list[int]) -> int:
        """Adds lines of these sizes that begin at byte `begin`; gives where the last of them ends."""
        offsets = list(itertools.accumulate(sizes, initial=begin))
        self._spans.append(Span(self.lines, file, offsets))
        self.lines += len(sizes)
        return offsets[-1]

    def place(self, line: int) -> Place | None:
        """Where that line begins; None if nothing was taken yet, not even a file begun."""
        if not self._spans:
            return None
        # The last span that begins at or before it: where a file's end and the next one's beginning are the same line,
        # the beginning says more.
        span = self._spans[bisect.bisect_right(self._spans, line, key=lambda one: one.first) - 1]
        return Place(span.file.id, span.offsets[line - span.first])

    def forget(self, line: int) -> None:
        """Forgets the lines before this one."""
        while len(self._spans) > 1 and self._spans[1].first <= line:
            self._spans.popleft()
