"""A log file's lines by its name, across rotation, truncation, removal and return.

Flow: a file of bytes -> whole lines, each with its place (`Track`) -> `Follower`. No clock but to ask how long a file has
been at its end, no thread, no waiting: `step` gives what there is.

Invariants: a file that was rotated away is read to its end before the next one is begun, and the ones that came and went
between two looks are read in their order; the next one is begun only when it holds something and the old one has been
left alone for `rotate_wait_s`, for a writer goes on in the old file until it is told to open the new one. A truncated
file is read again from its beginning; if what was cut off was copied beforehand (logrotate's `copytruncate`), the copy
is read to its end first. Not seen: a file that between two looks was truncated, has grown beyond what was read, and
begins as it did before.
"""

import errno
import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from system.agent import rotation
from system.agent.lines import LineSplitter
from system.agent.place import OpenFile, Place, Track

_LOG = logging.getLogger(__name__)

#: How long a rotated file must have been at its end before the next one is begun. Fluent Bit's `rotate_wait` is 5 s too.
ROTATE_WAIT_S: Final = 5.0


class Tail:
    """The lines of the file called `path`, whichever file that is.

    Args:
        path: the log's name.
        follow: without an end; otherwise as far as the file of that name goes when its end is met.
        place: where to begin; by default with the first byte of the file that is there.
        block_bytes: read at a time, at most.
        line_limit_bytes: longer lines are cut to it.
        rotate_wait_s: see above.
        mono_s, unix_s: the clocks; the second one is compared with the times of files.
    """

    def __init__(
        self,
        path: Path,
        *,
        follow: bool,
        block_bytes: int,
        line_limit_bytes: int,
        place: Place | None = None,
        rotate_wait_s: float = ROTATE_WAIT_S,
        mono_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        self.track = Track()
        #: Nothing more comes.
        self.ended = False
        #: Bytes read so far.
        self.read_bytes = 0
        self._path = path
        self._follow = follow
        self._block_bytes = block_bytes
        self._rotate_wait_s = rotate_wait_s
        self._mono_s = mono_s
        self._unix_s = unix_s
        self._splitter = LineSplitter(line_limit_bytes)
        self._file: OpenFile | None = None
        self._line_begin = 0  # where the line begins that isn't ended yet
        self._at_end_since_s: float | None = None
        self._is_complete = False  # the present file is a copy: nobody writes to it
        self._place = place
        self._said: set[str] = set()

    @property
    def truncated(self) -> int:
        """Lines that were cut to the limit."""
        return self._splitter.truncated

    def step(self) -> list[bytes]:
        """The next lines; none if there are none at present: then `ended` says whether to look again.

        Raises:
            OSError: the file can't be read.
        """
        while not self.ended:
            file = self._file or self._begin()
            if file is None:
                return []
            if file.was_truncated():
                lines = self._after_truncation(file)
            elif block := file.read(self._block_bytes):
                self._at_end_since_s = None
                self.read_bytes += len(block)
                lines = self._placed(self._splitter.feed(block))
            else:
                now = self._at_end(file)
                if now is None:
                    return []
                lines = now
            if lines:
                return lines
        return []

    def close(self) -> None:
        """Closes the file."""
        self.ended = True
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> OpenFile | None:
        """Opens the first file: the one that the position names, or the one that is there."""
        if self._place is not None:
            place, self._place = self._place, None
            if (found := rotation.find(self._path, place)) is not None:
                file = OpenFile.open(found, place.offset)
                self._is_complete = file.inode != place.file.inode
                return self._go_on(file)
            # It was there a moment ago: what comes next would get the numbers of its lines.
            raise FileNotFoundError(errno.ENOENT, "the file in the position has just been removed")
        try:
            return self._go_on(OpenFile.open(self._path))
        except FileNotFoundError:
            if not self._follow:
                self.ended = True
            self._say("is not there yet, waiting for it")
            return None

    def _go_on(self, file: OpenFile, line_begin: int | None = None) -> OpenFile:
        """Makes this the present file; `line_begin`: where the line began that goes on in it, if one does."""
        if self._file is not None:
            self._file.close()
        self._file = file
        self._at_end_since_s = None
        self._line_begin = self.track.add(file, file.offset if line_begin is None else line_begin, [])
        self._said.clear()
        return file

    def _placed(self, lines: list[bytes]) -> list[bytes]:
        if lines:
            assert self._file is not None
            self._line_begin = self.track.add(self._file, self._line_begin, self._splitter.sizes)
        return lines

    def _at_end(self, file: OpenFile) -> list[bytes] | None:
        """What follows the end of the present file: a last line, if it lacks its LF; None: nothing yet."""
        following = self._following(file)
        if following is None:
            if self._follow:
                return None
            self.ended = True
            return self._placed(self._splitter.end())
        if not self._is_left_alone(file):
            return None
        try:
            following_file = OpenFile.open(following)
        except OSError as error:  # renamed since, or just created and not yet given to the group that may read it
            self._say(f"cannot open {following}: {error.strerror or error}, trying again")
            return None
        # Read once more: it may have grown between the last read and the look at its time.
        if file.status.st_size > file.offset:
            following_file.close()
            return []
        lines = self._placed(self._splitter.end())
        self._is_complete = False
        self._go_on(following_file)
        return lines

    def _following(self, file: OpenFile) -> Path | None:
        """The file to be read after this one; None while that isn't to be begun."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            there = None
        if there is not None and file.is_same(there):
            return None
        if rotated := rotation.after(self._path, file):
            return rotated[0]
        # An empty file can wait: until something is in it the writer may still be at the old one.
        return self._path if there is not None and stat.S_ISREG(there.st_mode) and there.st_size else None

    def _is_left_alone(self, file: OpenFile) -> bool:
        if self._is_complete or not self._follow:
            return True
        if self._at_end_since_s is None:
            self._at_end_since_s = self._mono_s()
        written_ago_s = self._unix_s() - file.status.st_mtime
        return max(written_ago_s, self._mono_s() - self._at_end_since_s) >= self._rotate_wait_s

    def _after_truncation(self, file: OpenFile) -> list[bytes]:
        """Goes on in the copy that was made, if there is one; else from the beginning, with the cut line as it was."""
        copy = rotation.copy_of(self._path, file.id, file.offset)
        if copy is not None:
            try:
                copied = OpenFile.open(copy, file.offset)
            except OSError:
                copied = None  # renamed since: the next look finds it
            if copied is not None:
                self._go_on(copied, self._line_begin)
                self._is_complete = True
            return []
        _LOG.warning("%s was truncated: read again from its beginning; what was not yet read of it is gone", self._path)
        lines = self._placed(self._splitter.end())
        self._is_complete = False
        self._go_on(file.again())
        return lines

    def _say(self, what: str) -> None:
        """Warns once of a thing that lasts."""
        if what not in self._said:
            self._said.add(what)
            _LOG.warning("%s: %s", self._path, what)
