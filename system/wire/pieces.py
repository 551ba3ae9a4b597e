"""Bytes in the pieces in which they came: what a large body is on its way through the gateway, never joined there.

Joining 250 kB costs as much as receiving them, and whoever sends them on can send pieces (`writev`).
"""

from collections.abc import Sequence
from typing import TypeAlias

Piece: TypeAlias = bytes | bytearray | memoryview


class Pieces:
    """Reads like one `bytes` as far as length, equality and `bytes(...)` go; its pieces must not change any more."""

    __slots__ = ("_size", "all")

    def __init__(self, pieces: Sequence[Piece]) -> None:
        #: The pieces, in order.
        self.all = tuple(pieces)
        self._size = sum(map(len, self.all))

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes | Pieces) and bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(bytes(self))
