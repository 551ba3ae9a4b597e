"""The value stored under a batch's id: 24 bytes of stamps, then the packed records as they came off the wire."""

import struct
from typing import NamedTuple

from system.broker.batch import Batch

_PREFIX = struct.Struct("<Bxxxxxxxqq")


class Payload(NamedTuple):
    """What a worker needs of a batch: the gateway's two instants, the gzip flag, and the packed records."""

    gzip: bool
    received_mono_ns: int
    published_mono_ns: int
    packed: bytes


def encode(batch: Batch, published_mono_ns: int) -> bytes:
    """The stored form of a batch that is handed to the broker from `published_mono_ns` on."""
    return _PREFIX.pack(batch.gzip, batch.received_mono_ns, published_mono_ns) + batch.packed


def decode(stored: bytes) -> Payload:
    """Raises: struct.error if `stored` is shorter than its stamps."""
    gzip, received, published = _PREFIX.unpack_from(stored)
    return Payload(bool(gzip), received, published, stored[_PREFIX.size :])
