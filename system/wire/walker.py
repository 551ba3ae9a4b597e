"""Stepping over MessagePack values without building them, resumable at any byte.

msgpack's C unpacker keeps its place inside a value that isn't all there yet, so a long message that arrives in pieces
is looked at once. It allocates nothing for the lengths that a message claims.
"""

import msgpack

from system.wire.messages import ProtocolError, Refusal


def new_walker() -> msgpack.Unpacker:
    """An unpacker to `skip` with. It has no limit of its own: its caller feeds it only what it holds and has limited.

    Its first buffer is small: the default allocates 1 MiB for every one.
    """
    return msgpack.Unpacker(max_buffer_size=0, read_size=4096)


def skip(walker: msgpack.Unpacker) -> bool:
    """Steps over one value, building nothing; False if it isn't all there yet (feed more, then call again).

    Raises: ProtocolError if it isn't MessagePack, or nested too deep (1,024 levels in msgpack 1.2).
    """
    try:
        walker.skip()
    except msgpack.OutOfData:
        return False
    except msgpack.StackError:
        raise ProtocolError(Refusal.TOO_DEEP) from None
    except ValueError:
        raise ProtocolError(Refusal.BAD_MSGPACK) from None
    return True
