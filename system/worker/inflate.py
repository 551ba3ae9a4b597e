"""Inflates a gzip payload within a limit: several members may follow one another, and a bomb stops at the limit."""

import zlib
from typing import Final

#: Most bytes a payload may inflate to. Fluentd allows 256 MiB, Fluent Bit 100 MB; our frames are 16 MiB at most.
LIMIT_BYTES: Final = 64 * 1024 * 1024

_GZIP: Final = 31  # zlib's window bits for gzip framing


class InflateError(ValueError):
    """The payload isn't gzip, is cut off, or inflates beyond the limit."""


def inflate(packed: bytes, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The inflated bytes of all members.

    Raises: InflateError.
    """
    parts = []
    room = limit_bytes
    rest = packed
    while rest:
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error as error:
            raise InflateError(f"payload is not gzip: {error}") from error
        if len(part) > room:
            raise InflateError(f"payload inflates beyond {limit_bytes} bytes")
        if not member.eof:
            raise InflateError("gzip payload is cut off")
        parts.append(part)
        room -= len(part)
        rest = member.unused_data
    return b"".join(parts)
