"""Lines out of blocks of bytes, cut anywhere.

Invariants: a line is the bytes before an LF, without the CR of a CRLF; empty lines count, so that line numbers are
those of the file; bytes after the last LF are a line too, once the input has ended; no line is dropped: one longer than
the limit is cut to it, counted. What is held is never more than the limit, whatever comes. `sizes` add up to the bytes
that were fed, but for those of the line that isn't ended yet.
"""


class LineSplitter:
    """Turns blocks into lines of at most `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        if limit_bytes < 1:
            raise ValueError(f"limit_bytes must be >= 1, got {limit_bytes}")
        #: Lines that were cut to the limit.
        self.truncated = 0
        #: For each line that the last call gave: the bytes it took in the input, its line end included.
        self.sizes: list[int] = []
        self._limit_bytes = limit_bytes
        self._rest = bytearray()  # the line that isn't ended yet: its first limit + 1 bytes
        self._rest_bytes = 0  # all of its bytes so far

    def feed(self, block: bytes) -> list[bytes]:
        """Gives the lines that this block ends."""
        head, *more = block.split(b"\n")
        self._hold(head)
        if not more:
            self.sizes = []
            return []
        last = more.pop()
        self.sizes = [self._rest_bytes + 1]
        self.sizes += [len(raw) + 1 for raw in more]
        lines = [self._finish()]
        lines.extend(self._line(raw) for raw in more)
        self._hold(last)
        return lines

    def end(self) -> list[bytes]:
        """Gives the line that the end of the input ends, if bytes are left. A CR is part of it: no LF followed."""
        self.sizes = [self._rest_bytes] if self._rest_bytes else []
        if not self._rest:
            return []
        line = bytes(self._rest)
        self._rest.clear()
        self._rest_bytes = 0
        return [self._limited(line)]

    def _hold(self, part: bytes) -> None:
        # One byte more than the limit: it may be the CR of a line that just fits.
        self._rest += part[: self._limit_bytes + 1 - len(self._rest)]
        self._rest_bytes += len(part)

    def _finish(self) -> bytes:
        raw = bytes(self._rest)
        over = self._rest_bytes > len(raw)
        self._rest.clear()
        self._rest_bytes = 0
        # Of a line that ran over, the byte that stands last here is not its last.
        return self._limited(raw) if over else self._line(raw)

    def _line(self, raw: bytes) -> bytes:
        return self._limited(raw[:-1] if raw.endswith(b"\r") else raw)

    def _limited(self, line: bytes) -> bytes:
        if len(line) <= self._limit_bytes:
            return line
        self.truncated += 1
        return line[: self._limit_bytes]
