"""The option map that may end a Forward message: the chunk id to answer with, and whether the body is compressed.

What else clients put there (size, fluent_signal, metadata) is stepped over. The value of `chunk` is opaque: Fluentd's
is base64 with a newline at its end, others send raw bytes; the answer repeats it byte for byte, str or bin as it came.

Source: Forward Protocol Specification v1, "Option"; what Fluentd, Fluent Bit, Docker and fluent-logger send.
"""

from typing import NamedTuple

from system.wire.format import MAP_HEADER_BYTES, NIL, SCALAR_BYTES, read_count, read_raw
from system.wire.messages import ProtocolError, Refusal
from system.wire.packing import ACK_PREFIX
from system.wire.walker import new_walker, skip

#: Longest chunk id taken: it becomes part of a key of the broker. Known ids have 24 to 40 bytes.
CHUNK_BYTES = 256

#: Largest option map taken, and most pairs: clients send up to five (chunk, size, compressed, fluent_signal, metadata).
OPTION_BYTES = 64 * 1024
OPTION_PAIRS = 16


class Option(NamedTuple):
    """What an option map says to the gateway. The client's `size` is read by nobody: some send bytes, some records."""

    chunk: bytes | None = None
    ack: bytes | None = None
    gzip: bool = False


_NO_OPTION = Option()


def read_option(buffer: bytes, at: int) -> tuple[Option, int] | None:
    """The option at `at` and where it ends; None if more bytes are needed. `nil` is an empty option (Docker sends it).

    Raises: ProtocolError if it isn't a map or nil, is too large, or names a chunk or a compression we can't take.
    """
    try:
        if buffer[at] == NIL:
            return _NO_OPTION, at + 1
        option, end = _read_map(buffer, at)
    except IndexError:
        if len(buffer) - at > OPTION_BYTES:
            raise ProtocolError(Refusal.OPTION_TOO_LARGE) from None
        return None
    if end - at > OPTION_BYTES:
        raise ProtocolError(Refusal.OPTION_TOO_LARGE)
    return option, end


def _read_map(buffer: bytes, at: int) -> tuple[Option, int]:
    header_bytes = MAP_HEADER_BYTES.get(buffer[at])
    if header_bytes is None:
        raise ProtocolError(Refusal.BAD_OPTION)
    pairs = read_count(buffer, at, header_bytes)
    if pairs > OPTION_PAIRS:
        raise ProtocolError(Refusal.OPTION_TOO_LARGE)
    chunk = ack = None
    gzip = False
    at += header_bytes
    for _ in range(pairs):
        key_at, key_bytes = read_raw(buffer, at)
        if key_at < 0:
            raise ProtocolError(Refusal.BAD_OPTION)
        if key_bytes > OPTION_BYTES:
            raise ProtocolError(Refusal.OPTION_TOO_LARGE)
        value_at = key_at + key_bytes
        key = buffer[key_at:value_at]
        content_at, at = _value(buffer, value_at)
        if key == b"chunk":
            if content_at >= 0 and at - content_at <= CHUNK_BYTES:
                chunk, ack = buffer[content_at:at], ACK_PREFIX + buffer[value_at:at]
            elif buffer[value_at] != NIL:
                # A number as chunk: Fluent Bit closes, Fluentd echoes it, the specification says str. To ignore it
                # would leave the client waiting for an ack; so it is refused, visibly.
                raise ProtocolError(Refusal.BAD_CHUNK)
        elif key == b"compressed":
            gzip = _is_gzip(buffer, value_at, content_at, at)
    return Option(chunk, ack, gzip), at


def _is_gzip(buffer: bytes, at: int, content_at: int, end: int) -> bool:
    name = buffer[content_at:end] if content_at >= 0 else b""
    if name == b"gzip":
        return True
    if name == b"text" or buffer[at] == NIL:  # Fluentd's name for no compression
        return False
    raise ProtocolError(Refusal.UNKNOWN_COMPRESSION)


def _value(buffer: bytes, at: int) -> tuple[int, int]:
    """Where the content of the str or bin at `at` begins (-1 for any other type), and where the value ends.

    Raises: IndexError if the buffer ends before the value does.
    """
    content_at, size = read_raw(buffer, at)
    if content_at >= 0:
        if size > OPTION_BYTES:
            raise ProtocolError(Refusal.OPTION_TOO_LARGE)
        end = content_at + size
    elif (scalar_bytes := SCALAR_BYTES.get(buffer[at])) is not None:
        end = at + scalar_bytes
    else:
        walker = new_walker()
        walker.feed(buffer[at : at + OPTION_BYTES + 1])
        if not skip(walker):
            raise IndexError(at)
        end = at + int(walker.tell())
    if end > len(buffer):
        raise IndexError(end)
    return content_at, end
