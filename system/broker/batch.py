"""A batch as the gateway hands it to a publisher: opaque packed records under an id.

The id is (tag, chunk) as opaque bytes; a client that names no chunk gets a random one, and is served at most once.
"""

import msgspec

from system.wire.chunk import Chunk
from system.wire.pieces import Pieces


class Batch(msgspec.Struct, frozen=True):
    """One batch that arrived.

    `id` names it for deduplication, `chunk` is set for our own agents only, `packed` holds the concatenated records as
    they came (`gzip`: compressed), `received_mono_ns` is when the gateway held the whole message. `named`: by its client, so
    that it may come again.
    """

    id: bytes
    chunk: Chunk | None
    packed: bytes | Pieces
    gzip: bool
    received_mono_ns: int
    named: bool = True
