"""How far an agent has come, in a file: so that one that was killed goes on and neither loses nor repeats a record.

Flow: a batch is about to be sent for the first time -> it is written down -> sent; acknowledged -> the position moves
past it. `PositionFile` reads and writes, `Checkpoint` knows what stands in it.

Invariants: the position is the first record that isn't known to be acknowledged, and the place in the log where its line
begins. The batches cut from there on are listed, so that they are cut in the same way again and keep their chunk ids:
the gateway knows the ones it had taken, and no batch ever overlaps another (docs/adr/0013). The file is replaced, never
changed in place; it is not forced to the disk, so it outlives the agent but not surely the machine. One agent at a time
uses it, or two would give the same numbers to different records, and the gateway would drop them as repeats.
"""

import fcntl
import logging
import os
from collections import OrderedDict
from pathlib import Path
from typing import IO, Final, Protocol

import msgspec

from system.agent import rotation
from system.agent.errors import SourceError
from system.agent.place import Place

_LOG = logging.getLogger(__name__)

#: Of the file's form.
VERSION: Final = 1


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file holds.

    `path`: the log's. `tag`, `agent`, `epoch`: what the agent's chunk ids are of. `record`: the first one in the stream
    that isn't known to be acknowledged, `place` where its line begins (None: no file was there yet). `batches`: (first
    record, count) of those that were cut from there on. What lies between them is not to be sent.
    """

    version: int = VERSION
    path: str
    tag: str
    agent: int
    epoch: int
    record: int = 0
    place: Place | None = None
    batches: tuple[tuple[int, int], ...] = ()


class Placed(Protocol):
    """What the checkpoint needs of a source: where its lines stand."""

    def place(self, line: int) -> Place | None: ...

    def forget(self, line: int) -> None: ...


class PositionFile:
    """A position's file, and the lock on it (`PATH.lock`, which stays).

    Raises:
        SourceError: another agent uses it, or it can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path.with_name(path.name + ".new")
        lock = path.with_name(path.name + ".lock")
        try:
            self._lock: IO[bytes] = lock.open("ab")
        except OSError as error:
            raise SourceError(
                f"cannot write {lock}: {error.strerror}; give --position a path in a folder that may be written"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise SourceError(
                f"{path} is in use by another agent; give each agent a position file of its own"
            ) from None

    def load(self) -> Position | None:
        """What it holds; None if there is none yet.

        Raises:
            SourceError: it can't be read, or holds something else.
        """
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=Position)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"cannot read {self.path}: {error.strerror}; give another --position") from error
        except msgspec.DecodeError as error:
            raise SourceError(
                f"{self.path} is no position of an agent ({error}); give another --position, or remove it to ship its log"
                " from the beginning"
            ) from error
        if found.version != VERSION:
            raise SourceError(
                f"{self.path} has version {found.version}, expected {VERSION}; use the version of the agent that wrote it"
            )
        return found

    def store(self, position: Position) -> None:
        """Replaces it.

        Raises:
            SourceError: it can't be written.
        """
        try:
            self._new.write_bytes(msgspec.json.encode(position))
            os.replace(self._new, self.path)
        except OSError as error:
            raise SourceError(
                f"cannot write {self.path}: {error.strerror}; nothing more is sent, since it could not be told from what"
                " was; make room or give another --position"
            ) from error

    def close(self) -> None:
        """Lets another agent use it."""
        self._lock.close()


def resume(file: PositionFile, path: Path, *, tag: str, agent: int | None, epoch: int) -> Position:
    """Where to go on with the log `path`: what the file says, else its beginning, under `epoch`.

    Args:
        file: the position's.
        path: the log's, absolute.
        tag, agent: the stream's; without `agent` the file's, or the process id.

    Raises:
        SourceError: the file is of another log or stream.
    """
    found = file.load()
    if found is None:
        return Position(path=str(path), tag=tag, agent=os.getpid() if agent is None else agent, epoch=epoch)
    for what, kept, given in (("log", found.path, str(path)), ("tag", found.tag, tag), ("agent", found.agent, agent)):
        if given is not None and kept != given:
            raise SourceError(
                f"{file.path} is the position of {what} {kept}, not {given}; give each stream a position file of its own"
            )
    if found.place is None or rotation.find(path, found.place) is not None:
        return found
    _LOG.warning(
        "%s: the file that %s names is gone (inode %d): what it held beyond byte %d is not shipped; going on with what is"
        " there now",
        path,
        file.path,
        found.place.file.inode,
        found.place.offset,
    )
    # Other lines come now: no number that was given already may become theirs.
    return msgspec.structs.replace(
        found, record=max(found.record, *(first + count for first, count in found.batches)), place=None, batches=()
    )


class Checkpoint:
    """Keeps a position file in step with what is sent and acknowledged.

    Args:
        file: where it is kept.
        base: where this run began; record `base.record` is the first line of `source`.
        source: knows where its lines stand.
    """

    def __init__(self, file: PositionFile, base: Position, source: Placed) -> None:
        self._file = file
        self._base = base
        self._source = source
        self._handed = base.record  # records before it were sent, or never will be
        self._under_way: OrderedDict[int, tuple[int, bool]] = OrderedDict()  # first -> count, acknowledged
        self._stored = False

    @property
    def position(self) -> Position:
        """The position at present."""
        record = next(iter(self._under_way), self._handed)
        under_way = [(first, count) for first, (count, _) in self._under_way.items()]
        return msgspec.structs.replace(
            self._base,
            record=record,
            # Nothing read yet: what was known of the place still holds.
            place=self._source.place(record - self._base.record) or self._base.place,
            # Those that an earlier run had cut and this one hasn't come to yet are still to be cut as they were.
            batches=(
                *under_way,
                *(
                    (max(first, self._handed), first + count - max(first, self._handed))
                    for first, count in self._base.batches
                    if first + count > self._handed
                ),
            ),
        )

    def sending(self, first: int, count: int) -> None:
        """Writes a batch down that is about to be sent for the first time."""
        self._under_way[first] = (count, False)
        self._handed = first + count
        self._store()

    def dropping(self, record: int) -> None:
        """Notes a record that will never be sent."""
        self._handed = record + 1
        self._stored = False

    def acknowledged(self, first: int) -> None:
        """Notes that a batch was acknowledged; the file learns of it with the next batch, or by `flush`."""
        count, _ = self._under_way[first]
        self._under_way[first] = (count, True)
        while self._under_way and next(iter(self._under_way.values()))[1]:
            self._under_way.popitem(last=False)
        self._source.forget(next(iter(self._under_way), self._handed) - self._base.record)
        self._stored = False

    def flush(self) -> None:
        """Writes what isn't written yet."""
        if not self._stored:
            self._store()

    def _store(self) -> None:
        self._file.store(self.position)
        self._stored = True
