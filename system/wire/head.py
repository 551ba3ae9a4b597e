"""The head of a Forward message: tag, mode and where the body begins, read at positions with no record decoded.

`read_head` gives None while the buffer is too short to tell, and refuses once no continuation can become a message.

Source: Forward Protocol Specification v1, "Transport Phase", modes by the type of the second element.
"""

from typing import NamedTuple

from system.wire.eventtime import EXT_8, FIXEXT_8
from system.wire.format import ARRAY_HEADER_BYTES, INTEGERS, RAW_HEADER_BYTES, read_count, read_raw
from system.wire.messages import Mode, ProtocolError, Refusal

#: Longest tag taken. It becomes part of a key of the broker; tags in use are a few words.
TAG_BYTES = 1024


class Head(NamedTuple):
    """The beginning of a message.

    `second` is where its second element begins, `body` where the bytes begin that become `packed`. `size` counts the
    body's bytes in packed mode, the entries in forward mode, and is 1 in message mode.
    """

    tag: bytes
    mode: Mode
    has_option: bool
    second: int
    body: int
    size: int


def read_head(buffer: bytes, at: int) -> Head | None:
    """The head of the message that begins at `at`; None if more bytes are needed to tell.

    Raises: ProtocolError if no continuation can make it a message.
    """
    try:
        return _read_head(buffer, at)
    except IndexError:
        return None


def _read_head(buffer: bytes, at: int) -> Head:
    header_bytes = ARRAY_HEADER_BYTES.get(buffer[at])
    if header_bytes is None:
        raise ProtocolError(Refusal.NOT_AN_ARRAY)
    elements = read_count(buffer, at, header_bytes)
    if not 2 <= elements <= 4:
        raise ProtocolError(Refusal.WRONG_LENGTH)
    tag_at, tag_bytes = read_raw(buffer, at + header_bytes)
    if tag_at < 0:
        raise ProtocolError(Refusal.BAD_TAG)
    if tag_bytes > TAG_BYTES:
        raise ProtocolError(Refusal.TAG_TOO_LONG)
    second = tag_at + tag_bytes
    first = buffer[second]
    tag = buffer[tag_at:second]
    if b"\0" in tag:  # a NUL separates tag and chunk in a batch's id: within a tag it would make two ids one
        raise ProtocolError(Refusal.BAD_TAG)
    if first in RAW_HEADER_BYTES:
        body, size = read_raw(buffer, second)
        mode, most = Mode.PACKED, 3
    elif first in ARRAY_HEADER_BYTES:
        header_bytes = ARRAY_HEADER_BYTES[first]
        body, size = second + header_bytes, read_count(buffer, second, header_bytes)
        mode, most = Mode.FORWARD, 3
    elif first in INTEGERS or _is_event_time(buffer, second, first):
        body, size = second, 1
        mode, most = Mode.MESSAGE, 4
    else:
        raise ProtocolError(Refusal.BAD_ENTRIES)
    if not most - 1 <= elements <= most:
        raise ProtocolError(Refusal.WRONG_LENGTH)
    return Head(tag, mode, elements == most, second, body, size)


def _is_event_time(buffer: bytes, at: int, first: int) -> bool:
    prefix = FIXEXT_8 if first == FIXEXT_8[0] else EXT_8
    found = buffer[at : at + len(prefix)]
    if len(found) < len(prefix) and prefix.startswith(found):
        raise IndexError(at)
    return found == prefix
