"""The value stored under a batch's id: 24 bytes of stamps, then the packed records as they came off the wire."""

import struct
from typing import NamedTuple

from system.broker.batch import Batch
from system.wire.joined import Part
from system.wire.pieces import Pieces

_PREFIX = struct.Struct("<Bxxxxxxxqq")


class Payload(NamedTuple):
    """What a worker needs of a batch: the gateway's two instants, the gzip flag, and where the packed records lie."""

    gzip: bool
    received_mono_ns: int
    published_mono_ns: int
    part: Part

    @property
    def packed_bytes(self) -> int:
        """How many bytes the packed records have, as they came."""
        return len(self.part.buffer) - self.part.begin


def encode(batch: Batch, published_mono_ns: int) -> bytes:
    """The stored form of a batch that is handed to the broker from `published_mono_ns` on."""
    return bytes(pieces(batch, published_mono_ns))


def pieces(batch: Batch, published_mono_ns: int) -> Pieces:
    """The same, with nothing copied."""
    stamps = _PREFIX.pack(batch.gzip, batch.received_mono_ns, published_mono_ns)
    packed = batch.packed
    return Pieces((stamps, *packed.all) if isinstance(packed, Pieces) else (stamps, packed))


def decode(stored: bytes) -> Payload:
    """Raises: struct.error if `stored` is shorter than its stamps."""
    gzip, received, published = _PREFIX.unpack_from(stored)
    return Payload(bool(gzip), received, published, Part(stored, _PREFIX.size))
