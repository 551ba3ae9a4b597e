"""What a Forward message is to the gateway: an envelope around packed records, or a refusal with a name.

The protocol has no negative answer: to refuse is to close the connection without an ack. `head` and `option` read the
envelope's two ends, `framing` puts them together.

Source: Forward Protocol Specification v1, "Transport Phase".
"""

import enum

import msgspec

from system.wire.pieces import Pieces


class Refusal(enum.StrEnum):
    """Why a message is none. The values name counters."""

    NOT_AN_ARRAY = "not-an-array"
    WRONG_LENGTH = "wrong-length"
    BAD_TAG = "bad-tag"
    TAG_TOO_LONG = "tag-too-long"
    BAD_ENTRIES = "bad-entries"
    BAD_OPTION = "bad-option"
    OPTION_TOO_LARGE = "option-too-large"
    BAD_CHUNK = "bad-chunk"
    UNKNOWN_COMPRESSION = "unknown-compression"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    BAD_MSGPACK = "bad-msgpack"


class ProtocolError(Exception):
    """The bytes are no Forward message; `reason` says why. The stream can't be read past this point."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(f"not a Forward message: {reason}")
        self.reason = reason


class Mode(enum.StrEnum):
    """How a message carried its records (compressed or not is the envelope's `gzip`)."""

    MESSAGE = "message"
    FORWARD = "forward"
    PACKED = "packed"


class Envelope(msgspec.Struct, frozen=True):
    """One message as the gateway passes it on, whatever its mode.

    `packed` is the concatenated `[time, record]` entries as they came (`gzip`: compressed), a large body in its pieces.
    `chunk` is the client's id, as opaque bytes, and `ack` the ready answer that repeats it as it came (str or bin); both
    None if it asked for none.
    """

    tag: bytes
    packed: bytes | Pieces
    gzip: bool
    chunk: bytes | None
    ack: bytes | None
    mode: Mode
