"""The lines of a log file that is found again whatever happens to its name, and their places; see `Tail`.

Flow: `Tail`, a step at a time in a thread -> the agent. Used where a file is followed, and where its position is kept;
what is read once from end to end is a `Source`.
"""

import asyncio
import os
import stat
from pathlib import Path

from system.agent import compression
from system.agent.errors import SourceError
from system.agent.place import Place
from system.agent.source import BLOCK_BYTES, LINE_LIMIT_BYTES, cannot_read
from system.agent.tail import ROTATE_WAIT_S, Tail

#: How often a followed file is looked at, once its end is reached.
POLL_S = 0.25


class Follower:
    """Lines with places. Made by `follow_file`; the caller closes it.

    Args:
        tail: reads the file.
        name: for messages.
        poll_s: how often to look for more at the end.
    """

    def __init__(self, tail: Tail, name: str, *, poll_s: float = POLL_S) -> None:
        self.name = name
        self._tail = tail
        self._poll_s = poll_s

    @property
    def truncated(self) -> int:
        """Lines that were cut to the limit."""
        return self._tail.truncated

    @property
    def read_bytes(self) -> int:
        """Bytes read so far."""
        return self._tail.read_bytes

    @property
    def ended(self) -> bool:
        """Whether all there was has been given."""
        return self._tail.ended

    async def read(self) -> list[bytes]:
        """Gives the next lines, at least one; none at the end of the input, which a followed file doesn't have.

        Raises:
            SourceError: the file can't be read any more.
        """
        while True:
            try:
                lines = await asyncio.to_thread(self._tail.step)
            except OSError as error:
                raise SourceError(
                    f"cannot read on in {self.name}: {error.strerror or error}; what was read before is shipped; start again"
                ) from error
            if lines or self._tail.ended:
                return lines
            await asyncio.sleep(self._poll_s)

    def place(self, line: int) -> Place | None:
        """Where the line of that number begins, counted from the first one that was read here."""
        return self._tail.track.place(line)

    def forget(self, line: int) -> None:
        """Says that nobody will ask for lines before this one."""
        self._tail.track.forget(line)

    def close(self) -> None:
        """Closes the file."""
        self._tail.close()


def follow_file(
    path: str | Path,
    *,
    follow: bool = True,
    place: Place | None = None,
    poll_s: float = POLL_S,
    rotate_wait_s: float = ROTATE_WAIT_S,
) -> Follower:
    """Gives the lines of a log file from `place` on, by default from its beginning.

    With `follow` without an end, and the file need not be there yet; else as far as it goes.

    Raises:
        SourceError: what is there can't be read, or isn't a file that grows; without `follow` also: nothing is there.
    """
    absolute = Path(os.path.abspath(path))
    try:
        if not stat.S_ISREG(os.stat(absolute).st_mode):
            raise SourceError(
                f"cannot follow {path}: it is no regular file, so it has no position; leave --follow and --position away"
            )
        with absolute.open("rb") as file:
            if compression.is_gzip(file.read(compression.HEAD_BYTES), path):
                raise SourceError(
                    f"cannot follow {path}: it is a gzip file, which is read once from end to end; leave --follow and"
                    " --position away"
                )
    except FileNotFoundError as error:
        if not follow and place is None:
            raise cannot_read(path, error) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    tail = Tail(
        absolute,
        follow=follow,
        place=place,
        block_bytes=BLOCK_BYTES,
        line_limit_bytes=LINE_LIMIT_BYTES,
        rotate_wait_s=rotate_wait_s,
    )
    return Follower(tail, str(path), poll_s=poll_s)
