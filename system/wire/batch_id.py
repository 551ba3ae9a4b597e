"""Batch ids: the name under which a batch is deduplicated, journalled and stored: tag, NUL, chunk. Opaque to Redis.

A tag holds no NUL (the gateway refuses one that does), so the first NUL ends it, whatever bytes the chunk has.
"""


def join(tag: bytes, chunk: bytes) -> bytes:
    """The id of a batch that came under `tag` with the chunk id `chunk`."""
    return tag + b"\0" + chunk


def split(batch_id: bytes) -> tuple[bytes, bytes]:
    """Tag and chunk of an id; an id without a NUL is all tag."""
    tag, _, chunk = batch_id.partition(b"\0")
    return tag, chunk
