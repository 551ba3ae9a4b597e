"""Messages out of a TCP byte stream: any split of the stream gives the same envelopes.

Each read goes through `feed`, which steps from head to body to option. A packed body is jumped over by its length; a
forward or message body is stepped over by a walker that resumes where the last read ended. No byte is looked at twice,
and a large body is never copied: it is the pieces of the reads it came in. Within a large packed body `place` says where
the next bytes may be read to: they are the body's own then, and `placed` goes on from there.

Invariants: what is held never exceeds the limit by more than one read; a length claimed above the limit is refused
before anything is allocated for it.
"""

from collections.abc import Iterator

import msgpack
import numpy as np

from system.wire.format import NIL
from system.wire.head import Head, read_head
from system.wire.messages import Envelope, Mode, ProtocolError, Refusal
from system.wire.option import Option, read_option
from system.wire.pieces import Pieces
from system.wire.walker import new_walker, skip

#: Reads smaller than this are joined as they come, so that a sender of single bytes can't cost an object for each.
_SMALL_READ_BYTES = 4096

#: A piece stays where it lies if the read that it keeps in memory is less than so many times as long: what is held is at
#: most so many times what is counted. With 4 and 2 messages of 100 records cost 9 and 26 % more instructions: copies.
_WHOLE_READ = 8

#: From so many bytes on, what is left of a packed body is read into a place of its own: below, copying costs less than a
#: read more.
_PLACED_BYTES = 64 * 1024

#: Longest place: a claimed length allocates no more ahead of its bytes (and what isn't filled is no resident memory).
_PLACE_BYTES = 256 * 1024

#: Message mode: an entry is `[time, record]`, and its two elements lie bare in the message.
_ENTRY_HEADER = b"\x92"

_NO_OPTION = Option()


class FrameReader:
    """Cuts one connection's stream into envelopes.

    After a ProtocolError the reader is of no more use: close the connection.
    """

    def __init__(self, limit_bytes: int) -> None:
        """`limit_bytes`: largest body of a message."""
        self._limit_bytes = limit_bytes
        #: Messages and heartbeats completed so far.
        self.frames = 0
        self._cut = b""  # a head or option whose end has not come yet
        self._head: Head | None = None
        self._packed: bytes | Pieces | None = None  # the body, once complete, while its option has not come yet
        self._parts: list[bytes | bytearray | memoryview] = []
        self._parts_bytes = 0
        self._end = 0  # packed mode: where the body ends, counted from the beginning of the current read
        self._walker: msgpack.Unpacker | None = None
        self._walker_origin = 0  # where the walker's first byte lies, counted from the beginning of the current read
        self._values_left = 0
        self._place: memoryview | None = None  # where the body goes on, filled so far
        self._filled = 0
        #: Whether the last message was large: then the next one's head is best read alone.
        self.is_large = False

    @property
    def partial_bytes(self) -> int:
        """Bytes of a message that isn't complete."""
        return len(self._cut) + self._parts_bytes + (len(self._packed) if self._packed is not None else 0)

    @property
    def held_bytes(self) -> int:
        """Memory that they take, about: where a body's end is walked to, its walker holds them too, with room to grow."""
        return self.partial_bytes + (0 if self._walker is None else 2 * self._parts_bytes)

    @property
    def between_messages(self) -> bool:
        """Whether the stream stands at the end of a message."""
        return self._head is None and not self._cut

    def feed(self, data: bytes) -> Iterator[Envelope]:
        """The messages that `data`, the next bytes of the stream, completes. Run it to its end before the next `feed`.

        Raises: ProtocolError, after the messages before it, at the first thing that is no message.
        """
        if self._place is not None:
            self._end_place()
        if self._cut:
            data, self._cut = self._cut + data, b""
        elif self._walker is not None:
            self._walker.feed(data)
        at = 0
        size = len(data)
        while at < size:
            if self._head is None:
                if data[at] == NIL:  # a heartbeat
                    at += 1
                    self.frames += 1
                    continue
                head = read_head(data, at)
                if head is None:
                    self._cut = data[at:]
                    break
                self._begin(head, data)
                self._head = head
                at = head.body
            if self._packed is None:
                end = self._body_end(size)
                if end is None:
                    self._hold(data, at)
                    break
                self._packed = self._body(data, at, end)
                at = end
            if not self._head.has_option:
                yield self._envelope(_NO_OPTION)
            elif at < size:
                found = read_option(data, at)
                if found is None:
                    self._cut = data[at:]
                    break
                option, at = found
                yield self._envelope(option)
        if self._packed is not None or self._head is None:
            self._walker = None  # it keeps its place across reads only inside a body
        self._end -= size
        self._walker_origin -= size

    def place(self) -> memoryview | None:
        """Where the next bytes of a large packed body may be read to, at most all of it; None if they are to be fed.

        Whoever reads there says so by `placed`; to `feed` instead is as good.
        """
        head = self._head
        if self._place is None:
            if head is None or head.mode is not Mode.PACKED or self._packed is not None or self._end < _PLACED_BYTES:
                return None
            # Not a bytearray, which would be filled with zeros first.
            self._place = np.empty(min(self._end, _PLACE_BYTES), np.uint8).data
            self._filled = 0
        return self._place[self._filled :]

    def placed(self, size: int) -> Envelope | None:
        """The message that is complete now that `size` bytes, at least one, were read into its place."""
        assert self._head is not None
        assert self._place is not None
        self._filled += size
        self._parts_bytes += size
        self._end -= size
        if self._filled == len(self._place):
            self._end_place()
        if self._end:
            return None
        self._packed = Pieces(self._parts)
        self._parts = []
        self._parts_bytes = 0
        return None if self._head.has_option else self._envelope(_NO_OPTION)

    def _end_place(self) -> None:
        assert self._place is not None
        if self._filled:
            self._parts.append(self._place[: self._filled])
        self._place = None

    def _begin(self, head: Head, data: bytes) -> None:
        if head.size > self._limit_bytes:  # an entry has at least one byte, so this holds for a count of entries too
            raise ProtocolError(Refusal.TOO_LARGE)
        if head.mode is Mode.PACKED:
            self._end = head.body + head.size
            return
        # The walker of the message before may go on in this read: a new one for each of many small messages would be
        # fed what is left of the read again and again.
        if self._walker is None:
            self._walker = new_walker()
            self._walker.feed(memoryview(data)[head.second :])
            self._walker_origin = head.second
        else:
            self._walker.read_bytes(head.second - self._walker_origin - self._walker.tell())
        self._values_left = 2 if head.mode is Mode.MESSAGE else 1

    def _body_end(self, size: int) -> int | None:
        """Where the body ends, counted from the beginning of this read of `size` bytes; None if in a later one."""
        assert self._head is not None
        if self._head.mode is Mode.PACKED:
            return self._end if self._end <= size else None
        assert self._walker is not None
        while self._values_left:
            if not skip(self._walker):
                return None
            self._values_left -= 1
        return self._walker_origin + int(self._walker.tell())

    def _hold(self, data: bytes, at: int) -> None:
        size = len(data) - at
        self._parts_bytes += size
        if self._parts_bytes > self._limit_bytes:
            raise ProtocolError(Refusal.TOO_LARGE)
        if size >= _SMALL_READ_BYTES:
            self._parts.append(memoryview(data)[at:] if at and _WHOLE_READ * size > len(data) else data[at:])
        elif self._parts and isinstance(self._parts[-1], bytearray):
            self._parts[-1] += data[at:]
        else:
            self._parts.append(bytearray(data[at:]))

    def _body(self, data: bytes, at: int, end: int) -> bytes | Pieces:
        assert self._head is not None
        if self._parts_bytes + end - at > self._limit_bytes:
            raise ProtocolError(Refusal.TOO_LARGE)
        bare = self._head.mode is Mode.MESSAGE
        # A piece that is much smaller than its read would keep the whole read in memory.
        large = end - at > _SMALL_READ_BYTES and _WHOLE_READ * (end - at) > len(data)
        if not self._parts and not bare:
            return Pieces((memoryview(data)[at:end],)) if large else data[at:end]
        last = memoryview(data)[at:end] if large else data[at:end]
        entry_header = [_ENTRY_HEADER] if bare else []
        body = Pieces((*entry_header, *self._parts, last))
        self._parts = []
        self._parts_bytes = 0
        return body if len(body) > _SMALL_READ_BYTES else bytes(body)

    def _envelope(self, option: Option) -> Envelope:
        head, packed = self._head, self._packed
        assert head is not None
        assert packed is not None
        self._head = self._packed = None
        self.frames += 1
        self.is_large = len(packed) >= _PLACED_BYTES
        # Compression is a property of packed bodies; in the other modes the flag has nothing to apply to.
        gzip = option.gzip and head.mode is Mode.PACKED
        return Envelope(head.tag, packed, gzip, option.chunk, option.ack, head.mode)
