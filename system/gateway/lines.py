"""The syslog listener's side of a connection: lines into batches of the gateway's own, at most once.

Flow: bytes -> SyslogReader -> lines -> packed records (EventTime: when the read came) -> an envelope at `BATCH_LINES`,
`BATCH_BYTES` or `FLUSH_S` after its first line -> the rounds, as any batch, under the tag and a random chunk.

Invariants: syslog has no acknowledgement, so a line is delivered at most once: what the broker didn't confirm is lost
(`unconfirmed` batches), and the connection is closed so that the sender notices; holds, limits and deadlines are those of
every connection; what a peer sent before it went away, whole or not, is taken.
"""

import asyncio
import time
from collections.abc import Callable

from system.gateway.connection import Connection, Hall
from system.gateway.deadline import Deadline
from system.wire.messages import Envelope, Mode, Refusal
from system.wire.packing import pack_lines
from system.wire.syslog import SyslogReader

#: The tag of all its batches, hence the `source` of their detections.
TAG = b"syslog"

#: A batch is cut at so many lines: a read brings at most 1,200 access log lines (256 KiB), and the cost of a batch (some
#: 0.1 ms through broker and worker) is small against that of scanning so many.
BATCH_LINES = 1000

#: Or at so many bytes: lines may be long.
BATCH_BYTES = 1024 * 1024

#: Or so long after its first line: what a line may wait here beside a publish round trip.
FLUSH_S = 0.1

#: A longer line is cut to this, as our own agent cuts it.
LINE_LIMIT_BYTES = 1024 * 1024


class LineSession:
    """The state of one syslog connection: the line under way, and the records that wait for others."""

    def __init__(self, frame_deadline_s: float, unix_ns: Callable[[], int] = time.time_ns) -> None:
        self._reader = SyslogReader(LINE_LIMIT_BYTES)
        self._unix_ns = unix_ns
        self._packed = bytearray()
        #: Records that wait.
        self.waiting = 0
        self.deadline = Deadline(frame_deadline_s)
        #: Never set: any bytes are lines.
        self.refusal: Refusal | None = None

    @property
    def reader(self) -> SyslogReader:
        """What has been read so far."""
        return self._reader

    @property
    def frames(self) -> int:
        """None: a line isn't a message. The reader counts them."""
        return 0

    @property
    def partial_bytes(self) -> int:
        """Bytes held of the line under way and of records that wait."""
        return self._reader.partial_bytes + len(self._packed)

    #: Lines come in reads of any length.
    is_large = False

    def place(self) -> None:
        """Nowhere in particular."""

    def placed(self, size: int, now_mono_ns: int) -> list[Envelope]:
        """Never called: there is no place."""
        raise AssertionError("unreachable: lines have no place")

    def receive(self, data: bytes, now_mono_ns: int) -> list[Envelope]:
        """The batches that `data` fills."""
        lines = self._reader.feed(data)
        self.deadline.progress(now_mono_ns, between=self._reader.between_lines, ended=bool(lines))
        return self._take(lines)

    def flush(self) -> list[Envelope]:
        """The records that wait, as a batch; nothing if none do."""
        return [self._cut()] if self.waiting else []

    def end(self) -> list[Envelope]:
        """What is left at the stream's end, the line under way too."""
        lines = self._reader.end()
        self.deadline.forget()
        return self._take(lines) + self.flush()

    def forget(self) -> None:
        """Drops what is held."""
        self._reader.end()
        self._packed.clear()
        self.waiting = 0
        self.deadline.forget()

    def _take(self, lines: list[bytes]) -> list[Envelope]:
        envelopes = []
        records = pack_lines(self._unix_ns(), lines) if lines else []
        while records:
            room = BATCH_LINES - self.waiting
            some, records = records[:room], records[room:]
            self._packed += b"".join(some)
            self.waiting += len(some)
            if self.waiting == BATCH_LINES or len(self._packed) >= BATCH_BYTES:
                envelopes.append(self._cut())
        return envelopes

    def _cut(self) -> Envelope:
        packed = bytes(self._packed)
        self._packed.clear()
        self.waiting = 0
        return Envelope(TAG, packed, False, None, None, Mode.PACKED)


class LineConnection(Connection):
    """The protocol object of one syslog connection."""

    def __init__(self, hall: Hall) -> None:
        self._lines = LineSession(hall.admission.limits.frame_deadline_s)
        super().__init__(hall, self._lines)
        self._timer: asyncio.TimerHandle | None = None
        self._counted = (0, 0, 0)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._count()
        if self._lines.waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def eof_received(self) -> bool:
        self.finish()
        super().eof_received()
        return False  # no answer is due

    def connection_lost(self, exc: Exception | None) -> None:
        self.finish()
        super().connection_lost(exc)

    def flush(self) -> None:
        """Makes a batch of the lines that wait."""
        self._stop_timer()
        self._forward_all(self._lines.flush(), self._hall.clock())

    def finish(self) -> None:
        """Makes a batch of the lines that wait, and of the line under way."""
        self._stop_timer()
        self._forward_all(self._lines.end(), self._hall.clock())
        self._count()

    def settled(self, batch_bytes: int, acks: bytes) -> bool:
        """Batches have left flight. Nobody waits for an answer, so nobody is missing who should get it."""
        super().settled(batch_bytes, acks)
        return True

    def close(self, reason: str | None, linger: bool = True) -> None:
        """Takes what was read, and closes; see `Connection`."""
        if self._closing_mono_ns is None:
            self.finish()
        super().close(reason, linger)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _count(self) -> None:
        """Adds to the gateway's counters what the reader has counted since."""
        reader, stats = self._lines.reader, self._hall.stats
        counted = (reader.lines, reader.cut, reader.empty)
        more = [now - before for now, before in zip(counted, self._counted, strict=True)]
        stats.lines += more[0]
        stats.lines_cut += more[1]
        stats.lines_empty += more[2]
        self._counted = counted
