"""Redis commands as they go over the wire (RESP), with large arguments left where they are.

What comes out is written with one `writelines`: small arguments are joined, each piece of a large one is a buffer of its own.
Source: Redis serialization protocol specification, "Sending commands to a Redis server".
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from system.wire.pieces import Piece, Pieces

Argument: TypeAlias = bytes | int | Pieces

#: From here on an argument isn't copied: a buffer more in a `writev` costs less than copying that much.
LARGE_BYTES: Final = 16 * 1024


def packed(commands: Iterable[Sequence[Argument]]) -> list[Piece]:
    """The buffers that say these commands, in order."""
    buffers: list[Piece] = []
    small: list[Piece] = []
    for arguments in commands:
        small.append(b"*%d\r\n" % len(arguments))
        for argument in arguments:
            told = b"%d" % argument if isinstance(argument, int) else argument
            small.append(b"$%d\r\n" % len(told))
            pieces = told.all if isinstance(told, Pieces) else (told,)
            if len(told) < LARGE_BYTES:
                small += pieces
            else:
                buffers += (b"".join(small), *pieces)
                small = []
            small.append(b"\r\n")
    if small:
        buffers.append(b"".join(small))
    return buffers
