"""EventTime: the Forward protocol's time with nanoseconds, MessagePack extension type 0 of two big-endian u32.

Not MessagePack's own Timestamp (type -1). Clients write it as fixext 8 (`d7 00`) or as ext 8 (`c7 08 00`).

Source: Forward Protocol Specification v1, "EventTime Ext Format".
"""

import struct

_FIXEXT = struct.Struct(">BBII")
_NS_PER_S = 1_000_000_000

#: The beginning of an EventTime written as fixext 8, as we write it, and as ext 8.
FIXEXT_8 = b"\xd7\x00"
EXT_8 = b"\xc7\x08\x00"


def pack_event_time(unix_ns: int) -> bytes:
    """The 10 bytes of an EventTime as fixext 8.

    Raises: ValueError if `unix_ns` is before 1970 or after 2106, which 32 bits of seconds can't say.
    """
    seconds, nanoseconds = divmod(unix_ns, _NS_PER_S)
    try:
        return _FIXEXT.pack(0xD7, 0, seconds, nanoseconds)
    except struct.error:
        raise ValueError(f"event time must be in 0..4294967295.999999999 s since 1970, got {unix_ns} ns") from None


def read_event_time(raw: bytes) -> int | None:
    """The instant in ns since 1970 that `raw`, one MessagePack value, holds as EventTime; None if it isn't one."""
    for prefix in (FIXEXT_8, EXT_8):
        if raw.startswith(prefix) and len(raw) == len(prefix) + 8:
            seconds, nanoseconds = struct.unpack_from(">II", raw, len(prefix))
            return int(seconds) * _NS_PER_S + int(nanoseconds)
    return None
