"""The chunk id of our own agents: which agent, which run of it, and which of its records a batch holds.

To the Forward protocol a chunk id is opaque text. Ours is 36 ASCII characters that name an interval of record numbers,
so that deduplication needs a high-water mark for an agent instead of a key for every batch. Any other text is some
other client's.
"""

import base64
import binascii
import struct
from typing import NamedTuple

#: The text every chunk id of ours begins with (the last character is the version): 3 bytes before base64.
PREFIX = b"CdL1"

#: Size of the text in bytes: 27 bytes fill base64 exactly, so there is no padding.
TEXT_BYTES = 36

_MAGIC = base64.urlsafe_b64decode(PREFIX)
#: binascii knows the standard alphabet alone; its own two become ones that it skips.
_TO_STANDARD = bytes.maketrans(b"-_+/", b"+/\0\0")
_FIELDS = struct.Struct(">QIQI")


class Chunk(NamedTuple):
    """Records `first` to `first + count - 1` of agent `agent` in its run `epoch` (u64, u32, u64, u32)."""

    epoch: int
    agent: int
    first: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here

    def encode(self) -> bytes:
        """The 36 ASCII bytes that go over the wire.

        Raises: ValueError if a field doesn't fit its width.
        """
        try:
            fields = _FIELDS.pack(self.epoch, self.agent, self.first, self.count)
        except struct.error as error:
            raise ValueError(f"chunk fields must fit u64, u32, u64 and u32, got {self}: {error}") from None
        return base64.urlsafe_b64encode(_MAGIC + fields)


def parse_chunk(raw: bytes) -> Chunk | None:
    """The chunk that `raw` encodes; None for any other client's id, whatever its bytes. Never raises."""
    if len(raw) != TEXT_BYTES or not raw.startswith(PREFIX):
        return None
    try:
        decoded = binascii.a2b_base64(raw.translate(_TO_STANDARD))
    except binascii.Error:
        return None
    # The decoder skips characters outside the alphabet. Each one costs a byte here, or many texts would name one interval.
    if len(decoded) != len(_MAGIC) + _FIELDS.size:
        return None
    return Chunk(*_FIELDS.unpack_from(decoded, len(_MAGIC)))
