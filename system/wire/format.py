"""MessagePack's first bytes: the few formats that the envelope and the records are made of.

Everything here works on positions in a buffer and copies nothing. A buffer that ends too early raises IndexError, which
callers take to mean "more is to come".

Source: the MessagePack specification, section "Formats".
"""

#: The byte of `nil`.
NIL = 0xC0

#: How many bytes of length follow the first byte of a bin or a str (fixstr has its length in the first byte).
_LENGTH_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}

#: First byte of a str or bin -> bytes before its content. What isn't in here is neither.
RAW_HEADER_BYTES = {
    **dict.fromkeys(range(0xA0, 0xC0), 1),
    **{first: 1 + width for first, width in _LENGTH_BYTES.items()},
}

#: First byte of an array -> bytes before its first element.
ARRAY_HEADER_BYTES = {**dict.fromkeys(range(0x90, 0xA0), 1), 0xDC: 3, 0xDD: 5}

#: First byte of a map -> bytes before its first key.
MAP_HEADER_BYTES = {**dict.fromkeys(range(0x80, 0x90), 1), 0xDE: 3, 0xDF: 5}

#: First byte of nil, a boolean, a number -> bytes of the whole value.
SCALAR_BYTES = {
    **dict.fromkeys((*range(0x80), *range(0xE0, 0x100), NIL, 0xC2, 0xC3), 1),
    **dict.fromkeys((0xCC, 0xD0), 2),
    **dict.fromkeys((0xCD, 0xD1), 3),
    **dict.fromkeys((0xCE, 0xD2, 0xCA), 5),
    **dict.fromkeys((0xCF, 0xD3, 0xCB), 9),
}

#: First bytes of the integers.
INTEGERS = frozenset((*range(0x80), *range(0xCC, 0xD4), *range(0xE0, 0x100)))

#: First bytes of the extension types (ext 8, 16, 32 and fixext 1 to 16).
EXTENSIONS = frozenset((0xC7, 0xC8, 0xC9, *range(0xD4, 0xD9)))


def str_header(size_bytes: int) -> bytes:
    """The header of a str of `size_bytes`, in its shortest form.

    Raises: ValueError if MessagePack has no str of that size (2^32 bytes and above).
    """
    if 0 <= size_bytes < 32:
        return bytes((0xA0 | size_bytes,))
    return _sized(0xD9, size_bytes)


def bin_header(size_bytes: int) -> bytes:
    """The header of a bin of `size_bytes`, in its shortest form.

    Raises: ValueError as for `str_header`.
    """
    return _sized(0xC4, size_bytes)


def _sized(first: int, size_bytes: int) -> bytes:
    if not 0 <= size_bytes < 1 << 32:
        raise ValueError(f"size_bytes must be in 0..4294967295, got {size_bytes}: send it as several messages")
    if size_bytes < 1 << 8:
        return bytes((first, size_bytes))
    if size_bytes < 1 << 16:
        return bytes((first + 1,)) + size_bytes.to_bytes(2, "big")
    return bytes((first + 2,)) + size_bytes.to_bytes(4, "big")


def read_raw(buffer: bytes, at: int) -> tuple[int, int]:
    """Where the content of the str or bin at `at` begins, and its size in bytes; (-1, 0) if another type is there.

    The content itself need not be in the buffer yet. Raises: IndexError if the buffer ends within the header.
    """
    first = buffer[at]
    if 0xA0 <= first <= 0xBF:
        return at + 1, first & 0x1F
    width = _LENGTH_BYTES.get(first)
    if width is None:
        return -1, 0
    return at + 1 + width, read_uint(buffer, at + 1, width)


def read_uint(buffer: bytes, at: int, width: int) -> int:
    """The big-endian number of `width` bytes at `at`.

    Raises: IndexError if the buffer ends within it.
    """
    end = at + width
    if end > len(buffer):
        raise IndexError(end)
    return int.from_bytes(buffer[at:end], "big")


def read_count(buffer: bytes, at: int, header_bytes: int) -> int:
    """The count in an array's or map's header at `at`, whose size is known from the tables above."""
    return buffer[at] & 0x0F if header_bytes == 1 else read_uint(buffer, at + 1, header_bytes - 1)
