"""Inflates a gzip payload within a limit: several members may follow one another, and a bomb stops at the limit."""

import zlib
from typing import Final

#: Most bytes a payload may inflate to. Fluentd allows 256 MiB, Fluent Bit 100 MB; our frames are 16 MiB at most.
LIMIT_BYTES: Final = 64 * 1024 * 1024

_GZIP: Final = 31  # zlib's window bits for gzip framing

#: A member is fed at first this much, then twice as much a turn. zlib copies what it was fed beyond a member's end: fed all
#: of it, a payload of empty members took quadratic time (1.6 MB of them 3.8 s, on a 2-core EPYC).
_FIRST_FEED_BYTES: Final = 256


class InflateError(ValueError):
    """The payload isn't gzip, is cut off, or inflates beyond the limit."""


def inflate(packed: bytes | memoryview, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The inflated bytes of all members.

    Raises: InflateError.
    """
    parts = []
    room = limit_bytes
    view = memoryview(packed)
    at = 0
    while at < len(view):
        member = zlib.decompressobj(_GZIP)
        feed_bytes = _FIRST_FEED_BYTES
        while not member.eof:
            if at >= len(view):
                raise InflateError("gzip payload is cut off")
            fed = view[at : at + feed_bytes]
            try:
                part = member.decompress(fed, room + 1)
            except zlib.error as error:
                raise InflateError(f"payload is not gzip: {error}") from error
            if len(part) > room:
                raise InflateError(f"payload inflates beyond {limit_bytes} bytes")
            parts.append(part)
            room -= len(part)
            at += len(fed) - len(member.unused_data)
            feed_bytes *= 2
    return b"".join(parts)
