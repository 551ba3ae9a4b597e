"""Where an agent's lines come from: a file, or standard input.

Flow: bytes of a file descriptor -> whole lines -> the agent, some hundreds at a time. A thread of the source does the
reading, for regular files, pipes and terminals alike: a regular file can't be polled (epoll refuses it), a pipe's read
may never return, and the event loop must wait for neither.

Invariants: lines in the order of the file, none dropped (`lines.py`); nothing is read ahead of what was asked for, so
that an agent which waits stops the reading; what can't be read is a `SourceError` of one line.

Left out here: rotation, truncation, and the position kept between runs. They belong into `Source.read`, where it meets
the end of the file.
"""

import asyncio
import os
import queue
import select
import stat
import threading
from pathlib import Path

from system.agent.lines import LineSplitter

#: Bytes asked for at a time: about 1,200 access log lines, over which the hand-over between threads (some 50 us) is
#: spread.
BLOCK_BYTES = 256 * 1024

#: A longer line is cut to this. A message of 8 such lines still fits a gateway that takes 16 MiB.
LINE_LIMIT_BYTES = 1024 * 1024

#: How often a followed file is looked at, once its end is reached.
POLL_S = 0.25


class SourceError(ValueError):
    """The input can't be read; the message says which, why, and what to do."""


class Source:
    """The lines of an open file descriptor, which it closes; made by `open_file` or `standard_input`.

    Args:
        descriptor: open for reading.
        name: for messages.
        follow: at the end of the file, wait for it to grow instead of ending.
        poll_s: how often to look whether it has grown.
        block_bytes: read at a time, at most.
        line_limit_bytes: longer lines are cut to it.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        *,
        follow: bool = False,
        poll_s: float = POLL_S,
        block_bytes: int = BLOCK_BYTES,
        line_limit_bytes: int = LINE_LIMIT_BYTES,
    ) -> None:
        self.name = name
        self._descriptor = descriptor
        self._follow = follow
        self._poll_s = poll_s
        self._block_bytes = block_bytes
        self._splitter = LineSplitter(line_limit_bytes)
        self._requests: queue.SimpleQueue[asyncio.Future[bytes] | None] = queue.SimpleQueue()
        self._answer: asyncio.Future[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._ended = False

    @property
    def truncated(self) -> int:
        """Lines that were cut to the limit."""
        return self._splitter.truncated

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
            elif self._follow:
                await asyncio.sleep(self._poll_s)
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
        except OSError as error:
            raise SourceError(
                f"cannot read on in {self.name}: {error.strerror}; what was read before is shipped; start again"
            ) from error

    def _serve(self) -> None:
        """What the thread does: one read for each request, until it is told to end."""
        while (answer := self._requests.get()) is not None:
            block, failure = b"", None
            try:
                block = self._read_block()
            except OSError as error:
                failure = error
            try:
                answer.get_loop().call_soon_threadsafe(_settle, answer, block, failure)
            except RuntimeError:
                break  # the event loop was closed while we read: nobody waits for the answer
        os.close(self._descriptor)

    def _read_block(self) -> bytes:
        while True:
            try:
                return os.read(self._descriptor, self._block_bytes)
            except BlockingIOError:
                # Another process that shares this pipe or terminal made it non-blocking.
                select.select([self._descriptor], [], [])


def _settle(answer: "asyncio.Future[bytes]", block: bytes, failure: OSError | None) -> None:
    if failure is None:
        answer.set_result(block)
    else:
        answer.set_exception(failure)


def open_file(path: str | Path, *, follow: bool = False, poll_s: float = POLL_S) -> Source:
    """Gives the lines of a file; with `follow` also those that are appended to it later, without an end.

    Raises:
        SourceError: the file can't be opened, or is a directory.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        remedies: dict[type[OSError], str] = {
            FileNotFoundError: "give the path of a log file that exists",
            PermissionError: "run the agent as a user who may read it",
        }
        remedy = remedies.get(type(error), "give the path of a log file")
        raise SourceError(f"cannot read {path}: {error.strerror}; {remedy}") from error
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SourceError(f"cannot read {path}: it is a directory; give the path of a log file in it")
    return Source(descriptor, str(path), follow=follow, poll_s=poll_s)


def standard_input() -> Source:
    """Gives the lines of standard input, whatever it is: a file, a pipe or a terminal."""
    # A copy, because closing descriptor 0 itself would let the next file that is opened become standard input.
    return Source(os.dup(0), "standard input")
