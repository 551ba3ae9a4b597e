"""One connection's protocol without its socket: bytes and instants in, envelopes out, or the reason to close.

It also times the message that is under way: the deadline is the message's, not the read's, so that a peer that sends a
byte now and then (slow loris) is closed on time. While the gateway itself doesn't read, that clock stands still.
"""

from system.wire.framing import FrameReader
from system.wire.messages import Envelope, ProtocolError, Refusal


class Session:
    """The state of one connection."""

    def __init__(self, frame_bytes: int, frame_deadline_s: float) -> None:
        """`frame_bytes`: largest body; `frame_deadline_s`: longest time from a message's first byte to its last."""
        self._reader = FrameReader(frame_bytes)
        self._frame_deadline_ns = round(frame_deadline_s * 1e9)
        self._frame_began_mono_ns: int | None = None
        self._held_since_mono_ns: int | None = None
        #: Why the connection must be closed, once it must.
        self.refusal: Refusal | None = None

    @property
    def frames(self) -> int:
        """Messages and heartbeats read so far."""
        return self._reader.frames

    @property
    def partial_bytes(self) -> int:
        """Bytes held of the message under way."""
        return self._reader.partial_bytes

    @property
    def between_messages(self) -> bool:
        """Whether no message is under way."""
        return self._frame_began_mono_ns is None

    def receive(self, data: bytes, now_mono_ns: int) -> list[Envelope]:
        """The messages that `data` completes; those before a refused one too, so look at `refusal` afterwards.

        Bytes that come after a refusal are dropped.
        """
        if self.refusal is not None:
            return []
        reader = self._reader
        frames_before = reader.frames
        envelopes: list[Envelope] = []
        try:
            envelopes.extend(reader.feed(data))
        except ProtocolError as error:
            self.refusal = error.reason
        if reader.between_messages:
            self._frame_began_mono_ns = None
        elif self._frame_began_mono_ns is None or reader.frames != frames_before:
            self._frame_began_mono_ns = now_mono_ns
        return envelopes

    def forget(self) -> None:
        """Drops the message under way: the connection has ended."""
        self._reader = FrameReader(0)
        self._frame_began_mono_ns = None

    def hold(self, now_mono_ns: int) -> None:
        """The gateway stops reading: from here on the peer can't be late."""
        self._held_since_mono_ns = now_mono_ns

    def unhold(self, now_mono_ns: int) -> None:
        """The gateway reads again."""
        if self._held_since_mono_ns is not None and self._frame_began_mono_ns is not None:
            self._frame_began_mono_ns += now_mono_ns - self._held_since_mono_ns
        self._held_since_mono_ns = None

    def is_overdue(self, now_mono_ns: int) -> bool:
        """Whether the message under way has passed its deadline."""
        if self._frame_began_mono_ns is None or self._held_since_mono_ns is not None:
            return False
        return now_mono_ns - self._frame_began_mono_ns > self._frame_deadline_ns
