"""Where an agent's lines come from, read once from end to end: a file, plain or gzip, or standard input.

Flow: bytes of a file descriptor -> whole lines -> the agent, some hundreds at a time. A thread of the source does the
reading, for regular files, pipes and terminals alike: a regular file can't be polled (epoll refuses it), a pipe's read
may never return, and the event loop must wait for neither. A file that is followed is a `Follower`.

Invariants: lines in the order of the file, none dropped (`lines.py`); nothing is read ahead of what was asked for, so
that an agent which waits stops the reading; what can't be read is a `SourceError` of one line.
"""

import asyncio
import contextlib
import os
import queue
import select
import stat
import threading
from pathlib import Path

from system.agent import compression
from system.agent.errors import SourceError
from system.agent.lines import LineSplitter

#: Bytes asked for at a time: about 1,200 access log lines, over which the hand-over between threads (some 50 us) is
#: spread.
BLOCK_BYTES = 256 * 1024

#: A longer line is cut to this. A message of 8 such lines still fits a gateway that takes 16 MiB.
LINE_LIMIT_BYTES = 1024 * 1024


class Source:
    """The lines of an open file descriptor, which it closes; made by `open_file` or `standard_input`.

    Args:
        descriptor: open for reading.
        name: for messages.
        is_gzip: what is read is to be inflated.
        block_bytes: read at a time, at most.
        line_limit_bytes: longer lines are cut to it.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        *,
        is_gzip: bool = False,
        block_bytes: int = BLOCK_BYTES,
        line_limit_bytes: int = LINE_LIMIT_BYTES,
    ) -> None:
        self.name = name
        self._descriptor = descriptor
        # Closed with the descriptor, by whoever closes that.
        self._inflated = compression.inflated(os.fdopen(descriptor, "rb", closefd=False)) if is_gzip else None
        self._block_bytes = block_bytes
        self._splitter = LineSplitter(line_limit_bytes)
        self._requests: queue.SimpleQueue[asyncio.Future[bytes] | None] = queue.SimpleQueue()
        self._answer: asyncio.Future[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._ended = False
        self._read_bytes = 0

    @property
    def truncated(self) -> int:
        """Lines that were cut to the limit."""
        return self._splitter.truncated

    @property
    def ended(self) -> bool:
        """Whether all there was has been given."""
        return self._ended

    @property
    def read_bytes(self) -> int:
        """Bytes of a regular file that were read so far: of gzip, those of the file."""
        with contextlib.suppress(OSError):  # closed, or no regular file
            self._read_bytes = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        return self._read_bytes

    async def read(self) -> list[bytes]:
        """Gives the next lines, at least one; none at the end of the input. Waits as long as there is no whole line.

        A call that is cancelled loses nothing: the next one goes on.

        Raises:
            SourceError: the input can't be read any more.
        """
        while not self._ended:
            block = await self._block()
            if block:
                if lines := self._splitter.feed(block):
                    return lines
            else:
                self._ended = True
                return self._splitter.end()
        return []

    def close(self) -> None:
        """Ends the reading and closes the descriptor, as soon as a read under way returns."""
        self._ended = True
        if self._reader is None:
            os.close(self._descriptor)
        self._requests.put(None)

    async def _block(self) -> bytes:
        if self._reader is None:
            # A daemon: the process may end while a terminal or a pipe still keeps the read waiting. The event loop's
            # own threads would be waited for.
            self._reader = threading.Thread(target=self._serve, name=f"reads {self.name}", daemon=True)
            self._reader.start()
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            self._requests.put(self._answer)
        try:
            # Shielded: if this call is cancelled, the read goes on, and the next call gets its bytes.
            block = await asyncio.shield(self._answer)
            self._answer = None
            return block
        except compression.DAMAGED as error:
            raise compression.damaged(self.name, error) from error
        except OSError as error:
            raise SourceError(
                f"cannot read on in {self.name}: {error.strerror}; what was read before is shipped; start again"
            ) from error

    def _serve(self) -> None:
        """What the thread does: one read for each request, until it is told to end."""
        while (answer := self._requests.get()) is not None:
            block: bytes = b""
            failure: Exception | None = None
            try:
                block = self._read_block()
            except (OSError, *compression.DAMAGED) as error:
                failure = error
            try:
                answer.get_loop().call_soon_threadsafe(_settle, answer, block, failure)
            except RuntimeError:
                break  # the event loop was closed while we read: nobody waits for the answer
        os.close(self._descriptor)

    def _read_block(self) -> bytes:
        if self._inflated is not None:
            return self._inflated.read1(self._block_bytes)
        while True:
            try:
                return os.read(self._descriptor, self._block_bytes)
            except BlockingIOError:
                # Another process that shares this pipe or terminal made it non-blocking.
                select.select([self._descriptor], [], [])


def _settle(answer: "asyncio.Future[bytes]", block: bytes, failure: Exception | None) -> None:
    if failure is None:
        answer.set_result(block)
    else:
        answer.set_exception(failure)


def cannot_read(path: str | Path, error: OSError) -> SourceError:
    """What to say of a file that can't be opened."""
    remedies: dict[type[OSError], str] = {
        FileNotFoundError: "give the path of a log file that exists",
        PermissionError: "run the agent as a user who may read it",
    }
    remedy = remedies.get(type(error), "give the path of a log file")
    return SourceError(f"cannot read {path}: {error.strerror}; {remedy}")


def open_file(path: str | Path) -> Source:
    """Gives the lines of a file, as it is now; what its first bytes say is gzip is inflated.

    Raises:
        SourceError: the file can't be opened, is a directory, or is compressed in another way.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise cannot_read(path, error) from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise SourceError(f"cannot read {path}: it is a directory; give the path of a log file in it")
        # A pipe that has a path can't be looked into beforehand: it is taken for lines.
        is_gzip = stat.S_ISREG(mode) and compression.is_gzip(os.pread(descriptor, compression.HEAD_BYTES, 0), path)
    except SourceError:
        os.close(descriptor)
        raise
    return Source(descriptor, str(path), is_gzip=is_gzip)


def standard_input() -> Source:
    """Gives the lines of standard input, whatever it is: a file, a pipe or a terminal."""
    # A copy, because closing descriptor 0 itself would let the next file that is opened become standard input.
    return Source(os.dup(0), "standard input")
