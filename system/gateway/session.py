"""One connection's protocol without its socket: bytes and instants in, envelopes out, or the reason to close."""

from typing import Protocol

from system.gateway.deadline import Deadline
from system.wire.framing import FrameReader
from system.wire.messages import Envelope, ProtocolError, Refusal


class Talk(Protocol):
    """What a connection needs of its protocol: `Session` (Forward) and `LineSession` (syslog) are such."""

    #: Of the message (or line) under way.
    deadline: Deadline
    #: Why the connection must be closed, once it must.
    refusal: Refusal | None

    @property
    def frames(self) -> int:
        """Messages read so far."""
        ...

    @property
    def partial_bytes(self) -> int:
        """Bytes held that are no envelope yet."""
        ...

    def receive(self, data: bytes, now_mono_ns: int) -> list[Envelope]:
        """The envelopes that `data` completes."""
        ...

    def place(self) -> memoryview | None:
        """Where the next bytes are best read to; None if anywhere, for `receive`."""
        ...

    def placed(self, size: int, now_mono_ns: int) -> list[Envelope]:
        """The envelopes that are complete now that `size` bytes were read into the place."""
        ...

    @property
    def is_large(self) -> bool:
        """Whether a large body is to be expected behind the next few bytes."""
        ...

    def forget(self) -> None:
        """Drops what is held: the connection has ended."""
        ...


class Session:
    """The state of one Forward connection."""

    def __init__(self, frame_bytes: int, frame_deadline_s: float) -> None:
        """`frame_bytes`: largest body; `frame_deadline_s`: longest time from a message's first byte to its last."""
        self._reader = FrameReader(frame_bytes)
        self.deadline = Deadline(frame_deadline_s)
        #: Why the connection must be closed, once it must.
        self.refusal: Refusal | None = None

    @property
    def frames(self) -> int:
        """Messages and heartbeats read so far."""
        return self._reader.frames

    @property
    def partial_bytes(self) -> int:
        """Bytes held of the message under way."""
        return self._reader.held_bytes

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
        self.deadline.progress(now_mono_ns, between=reader.between_messages, ended=reader.frames != frames_before)
        return envelopes

    def place(self) -> memoryview | None:
        """Where the next bytes of a large body are read to; None if there is none under way."""
        return None if self.refusal is not None else self._reader.place()

    def placed(self, size: int, now_mono_ns: int) -> list[Envelope]:
        """The message, if any, that `size` bytes read into its place complete."""
        envelope = self._reader.placed(size)
        self.deadline.progress(now_mono_ns, between=self._reader.between_messages, ended=envelope is not None)
        return [] if envelope is None else [envelope]

    @property
    def is_large(self) -> bool:
        """Whether the last message was large."""
        return self._reader.is_large

    def forget(self) -> None:
        """Drops the message under way: the connection has ended."""
        self._reader = FrameReader(0)
        self.deadline.forget()
