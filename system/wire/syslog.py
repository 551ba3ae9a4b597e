"""Lines out of a syslog TCP stream, cut anywhere: any split of the stream gives the same lines.

Each line is framed in one of three ways, and they may alternate: ended by LF (a CR before it goes), ended by NUL (Python's
SysLogHandler), or counted, `N <...` with N bytes from the `<` on. Counted is only what is 1 to 7 digits, one space and then
`<`: raw access logs begin with digits. A count may include a last LF (loggen, syslog-ng), which is no part of the line.

Invariants: a line longer than the limit is cut to it, counted; a frame without a byte is dropped, counted, as rsyslog and
syslog-ng do; what is held is never more than the limit and a few bytes, whatever comes.

Source: RFC 6587, section 3.4, and what loggen, logger, rsyslog, syslog-ng and Python send.
"""

import re

#: A counted frame's beginning, and what may become one once more bytes come.
_COUNTED = re.compile(rb"([1-9][0-9]{0,6}) <")
_PERHAPS_COUNTED = re.compile(rb"[1-9][0-9]{0,6} ?\Z")

#: A delimiter after which a counted frame begins. The first form is the faster one, for reads without a NUL.
_LF_THEN_COUNTED = re.compile(rb"\n(?=[1-9][0-9]{0,6} <)")
_END_THEN_COUNTED = re.compile(rb"[\n\0](?=[1-9][0-9]{0,6} <)")


class SyslogReader:
    """Cuts one connection's stream into lines of at most `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        if limit_bytes < 1:
            raise ValueError(f"limit_bytes must be >= 1, got {limit_bytes}")
        #: Lines given, those of them that aren't whole (over the limit, or a counted frame that broke off), empty frames.
        self.lines = 0
        self.cut = 0
        self.empty = 0
        self._limit_bytes = limit_bytes
        self._digits = b""  # what may become a counted frame's beginning
        self._rest = bytearray()  # the line that isn't ended yet, two bytes beyond the limit at most
        self._over = False  # it was longer than that
        self._in_text = False  # a line that ends with a delimiter has begun
        self._left = 0  # bytes that are missing to the end of a counted frame

    @property
    def partial_bytes(self) -> int:
        """Bytes held of a line that isn't ended."""
        return len(self._rest) + len(self._digits)

    @property
    def between_lines(self) -> bool:
        """Whether no line is under way."""
        return not (self._in_text or self._left or self._digits)

    def feed(self, data: bytes) -> list[bytes]:
        """Gives the lines that `data`, the next bytes of the stream, ends."""
        if self._digits:
            data, self._digits = self._digits + data, b""
        lines: list[bytes] = []
        then_counted = _LF_THEN_COUNTED if data.find(0) < 0 else _END_THEN_COUNTED
        at, size = 0, len(data)
        while at < size:
            if self._left:
                part = data[at : at + self._left]
                self._hold(part)
                self._left -= len(part)
                at += len(part)
                if not self._left:
                    self._end_counted(lines)
                continue
            if not self._in_text:
                if head := _COUNTED.match(data, at):
                    self._left = int(head[1])
                    at = head.end() - 1
                    continue
                if _PERHAPS_COUNTED.match(data, at):
                    self._digits = data[at:]
                    break
            following = then_counted.search(data, at)
            # What comes after the last delimiter may begin a counted frame, so it is looked at on its own.
            end = following.end() if following else max(data.rfind(b"\n", at), data.rfind(b"\0", at)) + 1
            if end <= at:
                self._in_text = True
                self._hold(data[at:])
                break
            self._end_texts(data[at:end], lines)
            at = end
        return lines

    def end(self) -> list[bytes]:
        """Gives the line that the end of the stream ends, if bytes are left of one."""
        lines: list[bytes] = []
        self._hold(self._digits)
        if self._left:
            self.cut += not self._over and len(self._rest) <= self._limit_bytes  # else it is counted below
        if self._rest:
            self._emit(bytes(self._rest), lines)
        self._reset()
        return lines

    def _hold(self, part: bytes) -> None:
        # Two bytes more than the limit: they may be the CR and LF of a line that just fits.
        room = self._limit_bytes + 2 - len(self._rest)
        self._rest += part[:room]
        self._over |= len(part) > room

    def _end_texts(self, texts: bytes, lines: list[bytes]) -> None:
        """Takes whole texts, the first of which goes on what is held. Each ends with a delimiter."""
        head, *more = texts.replace(b"\0", b"\n").split(b"\n")
        more.pop()  # what comes after the last delimiter: nothing
        if self._in_text:
            self._hold(head)
            head = bytes(self._rest)
        over = self._over
        self._reset()
        self._emit(head if over else head.removesuffix(b"\r"), lines)
        for text in more:
            self._emit(text.removesuffix(b"\r"), lines)

    def _end_counted(self, lines: list[bytes]) -> None:
        line, over = bytes(self._rest), self._over
        self._reset()
        # Of a line that ran over, the byte that stands last here is not its last.
        self._emit(line if over else line.removesuffix(b"\n").removesuffix(b"\r"), lines)

    def _emit(self, line: bytes, lines: list[bytes]) -> None:
        if not line:
            self.empty += 1
            return
        if len(line) > self._limit_bytes:
            self.cut += 1
            line = line[: self._limit_bytes]
        self.lines += 1
        lines.append(line)

    def _reset(self) -> None:
        self._rest.clear()
        self._digits = b""
        self._over = self._in_text = False
        self._left = 0
