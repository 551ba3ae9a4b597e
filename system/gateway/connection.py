"""One TCP connection: asyncio's callbacks joined to a session, and the reasons for which its reading stands still.

A connection is read from unless one of its holds is set: its own bytes in flight, the gateway's, acks that the peer
doesn't read, or the gateway's end. A peer that closes while its batches are in flight loses the acks, not the batches.

Bytes are read where they stay (`get_buffer`): within a large body into a place of its own, else into one buffer that all
connections share, whose content is taken out before the next read. uvloop's plain protocol copies each read once more.
"""

import asyncio
import enum
import os
from collections.abc import Callable
from typing import Protocol, cast

from system.broker.batch import Batch
from system.gateway.admission import BATCH_OVERHEAD_BYTES, RESUME_RATIO, Admission
from system.gateway.rounds import Rounds, Waiting
from system.gateway.session import Session, Talk
from system.gateway.stats import Close, GatewayStats
from system.wire import batch_id
from system.wire.chunk import parse_chunk
from system.wire.messages import Envelope

#: How long a connection that the gateway has ended may stay half open for the peer to end it too.
LINGER_S = 1.0


#: Read at once where a large body is expected behind a head: what comes with the head is copied, the rest isn't.
HEAD_BYTES = 4096


class Hold(enum.IntFlag):
    """Why a connection isn't read from."""

    NONE = 0
    OWN_BYTES = enum.auto()
    ALL_BYTES = enum.auto()
    UNREAD_ACKS = enum.auto()
    STOPPING = enum.auto()


class Clock(Protocol):
    """Gives the instant in monotonic nanoseconds."""

    def __call__(self) -> int: ...


class Hall(Protocol):
    """What a connection needs of its gateway."""

    admission: Admission
    stats: GatewayStats
    rounds: Rounds
    clock: Clock
    soon: Callable[[Callable[[], None]], object]
    watched: set["Connection"]
    #: Where connections read to that have no place of their own.
    reads: memoryview

    def enter(self, connection: "Connection") -> Hold | None:
        """Registers a new connection; None if there are too many, else the holds it begins with."""
        ...

    def leave(self, connection: "Connection") -> None:
        """Forgets a connection."""
        ...

    def stop_reading(self) -> None:
        """Holds every connection until the broker has caught up."""
        ...

    def released(self) -> None:
        """Bytes have left flight: reads again if there is room."""
        ...


class Connection(asyncio.BufferedProtocol):
    """The protocol object of one connection: what it says is read by a session, Forward's unless another is given."""

    def __init__(self, hall: Hall, session: Talk | None = None) -> None:
        limits = hall.admission.limits
        self._hall = hall
        self._session = session or Session(limits.frame_bytes, limits.frame_deadline_s)
        self._limit_bytes = limits.connection_inflight_bytes
        self._deadline_ns = round(limits.frame_deadline_s * 1e9)
        self._transport: asyncio.Transport | None = None
        self._entered = False
        self._holds = Hold.NONE
        self._inflight_bytes = 0
        self._partial_bytes = 0
        self._eof = False
        self._in_place = False
        self._writing_stuck_mono_ns: int | None = None
        self._closing_mono_ns: int | None = None

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclass of it
        holds = self._hall.enter(self)
        if holds is None:
            self.close(Close.TOO_MANY_CONNECTIONS, linger=False)
            return
        self._entered = True
        if holds:
            self.hold(holds)
            # uvloop begins to read when this has returned, whatever was paused here.
            self._hall.soon(self._pause_if_held)

    def get_buffer(self, sizehint: int) -> memoryview:
        session = self._session
        place = None if self._closing_mono_ns is not None else session.place()
        self._in_place = place is not None
        if place is not None:
            return place
        return self._hall.reads[:HEAD_BYTES] if session.is_large else self._hall.reads

    def buffer_updated(self, nbytes: int) -> None:
        if self._in_place:
            self._received(nbytes, None)
        else:
            self.data_received(bytes(self._hall.reads[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Takes bytes that came, wherever they were read to."""
        self._received(len(data), data)

    def _received(self, size: int, data: bytes | None) -> None:
        """Takes `size` bytes: `data`, or without it those that were read into the session's place."""
        hall, session = self._hall, self._session
        if self._closing_mono_ns is not None:
            return
        now_mono_ns = hall.clock()
        frames_before = session.frames
        envelopes = session.placed(size, now_mono_ns) if data is None else session.receive(data, now_mono_ns)
        stats = hall.stats
        stats.received_bytes += size
        stats.frames += session.frames - frames_before
        self._forward_all(envelopes, now_mono_ns)
        if session.refusal is not None:
            self.close(session.refusal)
        elif session.deadline.is_idle:
            hall.watched.discard(self)
        else:
            hall.watched.add(self)
        if self._inflight_bytes and self._inflight_bytes + self._partial_bytes > self._limit_bytes:
            self.hold(Hold.OWN_BYTES)
        if hall.admission.full:
            self.flush()
            if hall.admission.batch_bytes:
                hall.stop_reading()
            else:  # nothing is under way whose end could make room
                self.close(Close.MEMORY)

    def eof_received(self) -> bool:
        self._eof = True
        # Keeps the writing half open for the acks that are due.
        return self._inflight_bytes > 0 and self._closing_mono_ns is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._closing_mono_ns is None and not self._session.deadline.is_idle:
            self._hall.stats.closed(Close.INCOMPLETE_FRAME)
        self._forget_partial()
        if self._entered:
            self._hall.leave(self)
        self._hall.watched.discard(self)

    def pause_writing(self) -> None:
        self._writing_stuck_mono_ns = self._hall.clock()
        self._hall.watched.add(self)
        self.hold(Hold.UNREAD_ACKS)

    def resume_writing(self) -> None:
        self._writing_stuck_mono_ns = None
        self.unhold(Hold.UNREAD_ACKS)

    # The gateway's and the rounds' side

    @property
    def is_held(self) -> bool:
        """Whether it isn't read from at present."""
        return bool(self._holds)

    def flush(self) -> None:
        """Makes batches of what is whole and waits to be joined. In the Forward protocol nothing ever does."""

    def finish(self) -> None:
        """The same at the end of the reading, with what isn't whole. A Forward message that isn't is nothing."""

    def hold(self, hold: Hold) -> None:
        """Stops reading for one more reason."""
        if not self._holds and self._transport is not None and self._is_readable(self._transport):
            self._transport.pause_reading()
            self._session.deadline.hold(self._hall.clock())
            self._hall.stats.holds += 1
        self._holds |= hold

    def _pause_if_held(self) -> None:
        if self._holds and self._transport is not None and self._is_readable(self._transport):
            self._transport.pause_reading()

    def unhold(self, hold: Hold) -> None:
        """Takes one reason away, and reads again if it was the last."""
        if not self._holds & hold:
            return
        self._holds &= ~hold
        if not self._holds and self._transport is not None and self._is_readable(self._transport):
            self._transport.resume_reading()
            self._session.deadline.unhold(self._hall.clock())

    def settled(self, batch_bytes: int, acks: bytes) -> bool:
        """Batches have left flight: writes their acks, in the order of the messages; False if the peer has gone."""
        self._inflight_bytes -= batch_bytes
        self._hall.admission.release(batch_bytes)
        transport = self._transport
        is_open = transport is not None and self._closing_mono_ns is None and not transport.is_closing()
        if transport is not None and is_open:
            if acks:
                transport.write(acks)
            left_bytes = self._inflight_bytes + self._partial_bytes
            if not self._inflight_bytes or left_bytes <= RESUME_RATIO * self._limit_bytes:
                self.unhold(Hold.OWN_BYTES)
            if self._eof and self._inflight_bytes == 0:
                transport.close()
        self._hall.released()
        return is_open

    def close(self, reason: str | None, linger: bool = True) -> None:
        """Closes the connection after what is written already, with no ack for the rest; counts `reason` if given.

        To linger is to end our half and drop what comes until the peer ends its own: a socket closed with bytes unread
        sends RST, which may overtake acks in the peer.
        """
        transport = self._transport
        if transport is None or self._closing_mono_ns is not None:
            return
        if reason is not None:
            self._hall.stats.closed(reason)
        if linger and self._is_readable(transport):
            transport.write_eof()
            if self._holds:
                transport.resume_reading()
        else:
            transport.close()
        self._closing_mono_ns = self._hall.clock()
        self._forget_partial()
        self._hall.watched.add(self)  # until it is closed: a peer that doesn't read or end would keep it open

    def check(self, now_mono_ns: int) -> None:
        """Closes the connection if one of its deadlines has passed."""
        if self._transport is None:
            return
        if self._closing_mono_ns is not None:
            if now_mono_ns - self._closing_mono_ns > LINGER_S * 1e9:
                self._transport.abort()
        elif self._writing_stuck_mono_ns is not None:
            if now_mono_ns - self._writing_stuck_mono_ns > self._deadline_ns:
                self.close(Close.UNREAD_ACKS, linger=False)
                self._transport.abort()
        elif self._session.deadline.is_overdue(now_mono_ns):
            self.close(Close.FRAME_DEADLINE, linger=False)

    def abort(self) -> None:
        """Drops the connection with what isn't written yet."""
        if self._transport is not None:
            self._transport.abort()

    def _is_readable(self, transport: asyncio.Transport) -> bool:
        return not self._eof and self._closing_mono_ns is None and not transport.is_closing()

    def _account(self, batch_bytes: int, partial_bytes: int) -> None:
        """Counts new batches in flight, and what is now held of an unfinished message."""
        self._inflight_bytes += batch_bytes
        self._hall.admission.take(batch_bytes, partial_bytes - self._partial_bytes)
        self._partial_bytes = partial_bytes

    def _forget_partial(self) -> None:
        # Rounds may keep this object for long after its end; the bytes it holds must not stay with it uncounted.
        self._session.forget()
        self._account(0, 0)

    def _forward_all(self, envelopes: list[Envelope], now_mono_ns: int) -> None:
        batch_bytes = 0
        for envelope in envelopes:
            batch_bytes += self._forward(envelope, now_mono_ns)
        self._account(batch_bytes, self._session.partial_bytes)

    def _forward(self, envelope: Envelope, now_mono_ns: int) -> int:
        """Puts the envelope's batch on the list; gives the bytes that are in flight with it."""
        chunk = envelope.chunk
        # An empty chunk id names nothing: as an identity it would make a client's second batch a repeat of its first,
        # acknowledged and dropped. Such a batch, like one without an id, is taken as often as it is sent.
        identity = batch_id.join(envelope.tag, chunk or os.urandom(16))
        chunked = parse_chunk(chunk) if chunk else None
        batch = Batch(identity, chunked, envelope.packed, envelope.gzip, now_mono_ns, named=bool(chunk))
        size_bytes = len(envelope.packed) + BATCH_OVERHEAD_BYTES
        self._hall.stats.batches += 1
        self._hall.rounds.add(Waiting(batch, envelope.ack, self, size_bytes))
        return size_bytes
