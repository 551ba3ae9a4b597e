"""Where the text of each record lies in packed bytes, found in place: nothing is decoded, nothing copied.

The usual record is `92 d7 00 tttttttt 81 a3 'log' <length> <text>` (packing.py). All of them in a batch are found at
once with numpy: candidates where their fixed bytes stand, lengths read at all candidates, and the chain followed from
0, each record ending where the next begins. A chain that reaches the end is the true one, by induction: the record at 0
is read as MessagePack says, hence its end is right, hence the next one. Any other bytes are walked entry by entry.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from system.wire.format import ARRAY_HEADER_BYTES, EXTENSIONS, INTEGERS, MAP_HEADER_BYTES, RAW_HEADER_BYTES, read_count

#: Keys that the line of a record lies under, most wanted first: Docker and Fluent Bit's tail, Fluentd, others.
TEXT_KEYS = (b"log", b"message", b"msg")

#: Bytes of the usual record before the first byte of its text's header.
_FIXED_BYTES = 16
#: Its first three bytes as a little-endian number, and bytes 11 to 15 as the upper five of a big-endian i64.
_MARK = int.from_bytes(b"\x92\xd7\x00", "little")
_MARK_MASK = 0xFFFFFF
_KEY_AT = 11
_KEY = int.from_bytes(b"\x81\xa3log", "big", signed=True)

#: By the first byte of a text's header: bytes of the header; where it is no str or bin, so few that no text ends anywhere.
_NO_TEXT = -(1 << 62)
_HEADER_BYTES = np.array([RAW_HEADER_BYTES.get(first, _NO_TEXT) for first in range(256)])
_WIDEST_BYTES = 5
#: The length is told by the first byte itself and the two behind it: so far to the right, and so much of it.
_SHIFT = np.array([{1: 16, 2: 8}.get(RAW_HEADER_BYTES.get(first, 0), 0) for first in range(256)])
_MASK = np.array([{1: 0x1F, 2: 0xFF}.get(RAW_HEADER_BYTES.get(first, 0), 0xFFFF) for first in range(256)])


#: Below this size entries are walked: numpy's fixed cost is 24 us, and a usual record is walked in 1.5 us (2-core AMD
#: EPYC guest, Python 3.11). Batches of one to ten records are the common case.
SMALL_BYTES = 4096


#: After so many malformed entries a walk takes the rest for one more: 64 MiB of zeros (a gzip payload of 64 kB) are as many
#: entries, and took 44 s. No client that means well sends any.
MALFORMED_MOST = 100_000

#: A walk takes no more entries: the rest is malformed. No message of 16 MiB holds more of the smallest entry there is; a gzip
#: payload of 98 kB holds 8.4 million, and took 12 s and 670 MB.
RECORDS_MOST = 2 * 1024 * 1024


class Records(NamedTuple):
    """Record i's text is `buffer[starts[i]:ends[i]]`; i is the entry's place in the batch.

    A malformed entry (not `[time, record]`, no text under a known key) counts among `malformed`, keeps its place, and
    has an empty text. Bytes at the end that are no whole entry count as one malformed entry.
    """

    buffer: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    malformed: int


def locate(packed: bytes, keys: Sequence[bytes] = TEXT_KEYS) -> Records:
    """The text of every record in `packed`, which is not compressed. Never raises, whatever the bytes.

    Args: keys: where a record's line may lie. The first of them that holds text (str or bin) is it; of a key that
        comes twice, the last.
    """
    if b"log" in keys and len(packed) >= SMALL_BYTES:
        found = chain(packed)
        if found is not None:
            return found
    return walk(packed, keys)


def chain(packed: bytes, begin: int = 0) -> Records | None:
    """What `locate` gives if all of `packed` from `begin` on is usual records, found at once; else None."""
    size = len(packed) - begin
    if size <= _FIXED_BYTES:
        return None
    octets = np.frombuffer(packed, dtype=np.uint8, offset=begin)
    heads = _places(octets, _MARK & 0xFF, size - _FIXED_BYTES)
    if heads.size == 0 or heads[0] != 0:
        return None
    # An unaligned view: element i is the little-endian number whose first byte is byte i.
    fours = np.ndarray((size - 3,), dtype="<u4", buffer=packed, offset=begin, strides=(1,))
    told = _eights(packed, begin, heads + _KEY_AT)
    usual = ((fours[heads] & _MARK_MASK) == _MARK) & (told >> 24 == _KEY)
    if not usual.all():
        heads, told = heads[usual], told[usual]
        if heads.size == 0 or heads[0] != 0:
            return None
    header_bytes, text_bytes = _sizes(octets, heads, told)
    starts = heads + (_FIXED_BYTES + header_bytes)
    ends = starts + text_bytes
    # In the ordinary case every candidate is a record. Else some lie inside a text, and the chain leads around them.
    if ends[-1] != size or not (heads[1:] == ends[:-1]).all():
        visited = _follow(size, heads, ends)
        if visited is None:
            return None
        starts, ends = starts[visited], ends[visited]
    return Records(packed, starts + begin, ends + begin, malformed=0) if begin else Records(packed, starts, ends, 0)


def _places(octets: NDArray[np.uint8], sought: int, before: int) -> NDArray[np.intp]:
    """Where the byte stands, up to `before`, which is 16 from the end: eight at once, most of which hold none."""
    found = octets[: (before + 7) // 8 * 8] == sought
    eights = found.view(np.uint64)
    at = (eights != 0).nonzero()[0]
    within = eights[at].view(np.bool_).nonzero()[0]
    places: NDArray[np.intp] = at[within >> 3] * 8 + (within & 7)
    return places if places.size == 0 or places[-1] < before else places[places < before]


def _eights(packed: bytes, begin: int, places: NDArray[np.intp]) -> NDArray[np.int64]:
    """The big-endian number whose first byte is at each of the places, which ascend; zeros stand for what isn't there."""
    last = len(packed) - begin - 8
    words: NDArray[np.int64] = np.ndarray((last + 1,), dtype="<i8", buffer=packed, offset=begin, strides=(1,))
    if places[-1] <= last:
        return words[places].byteswap()
    cut: NDArray[np.int64] = words[np.minimum(places, last)].byteswap() << 8 * np.maximum(places - last, 0)
    return cut


def _sizes(
    octets: NDArray[np.uint8], heads: NDArray[np.intp], told: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each text: bytes of its header, and the length that it claims. Where the buffer cuts it off it begins past it."""
    first = told >> 16 & 0xFF
    header_bytes = _HEADER_BYTES[first]
    text_bytes = told >> _SHIFT[first] & _MASK[first]
    if header_bytes.max() == _WIDEST_BYTES:  # above 64 KiB
        wide = (header_bytes == _WIDEST_BYTES).nonzero()[0]
        for place in (_FIXED_BYTES + 3, _FIXED_BYTES + 4):
            more = octets[np.minimum(heads[wide] + place, octets.size - 1)]
            text_bytes[wide] = text_bytes[wide] << 8 | more
    return header_bytes, text_bytes


def _follow(size: int, heads: NDArray[np.intp], ends: NDArray[np.int64]) -> list[int] | None:
    """The candidates that the chain from 0 to `size` visits; None if it leads to a place where none is."""
    following = np.searchsorted(heads, ends)
    inside = following < heads.size
    closes = (ends == size) | (inside & (heads[np.where(inside, following, 0)] == ends))
    next_head = np.where(closes, following, -1).tolist()
    visited = [0]
    while (place := next_head[visited[-1]]) < len(next_head):
        if place < 0:
            return None
        visited.append(place)
    return visited


def walk(packed: bytes, keys: Sequence[bytes] = TEXT_KEYS) -> Records:
    """What `locate` gives, by stepping over every entry: for the records of any client, and hostile bytes."""
    rank = {key: place for place, key in reversed(list(enumerate(keys)))}
    starts: list[int] = []
    ends: list[int] = []
    malformed = 0
    at = 0
    # Positions only: values are stepped over, so that no claimed length allocates and no odd type can fail to be built.
    walker = msgpack.Unpacker(max_buffer_size=max(1, len(packed)))
    walker.feed(packed)
    while at < len(packed):
        try:
            text = _walk_entry(packed, at, walker, rank)
            following = walker.tell()
        except (msgpack.OutOfData, ValueError, IndexError):  # cut, no MessagePack or too deep: nothing can follow
            text, following = None, len(packed)
        if text is None:
            malformed += 1
            text = (at, at)
            if malformed > MALFORMED_MOST:
                following = len(packed)
        starts.append(text[0])
        ends.append(text[1])
        at = following
        if len(starts) >= RECORDS_MOST and at < len(packed):
            malformed += 1
            break
    return Records(packed, np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64), malformed)


def _walk_entry(packed: bytes, at: int, walker: msgpack.Unpacker, rank: dict[bytes, int]) -> tuple[int, int] | None:
    """Steps over the entry at `at`; where its text begins and ends, or None if the entry is malformed.

    Raises: msgpack.OutOfData or IndexError if the bytes end within the entry, ValueError if they are no MessagePack.
    """
    header_bytes = ARRAY_HEADER_BYTES.get(packed[at])
    if header_bytes is None or read_count(packed, at, header_bytes) != 2:
        walker.skip()
        return None
    walker.read_bytes(header_bytes)
    time_first = packed[at + header_bytes]
    walker.skip()
    # Fluent Bit sends `[[time, {metadata}], record]` too.
    timed = time_first in INTEGERS or time_first in EXTENSIONS or time_first in ARRAY_HEADER_BYTES
    at = walker.tell()
    header_bytes = MAP_HEADER_BYTES.get(packed[at])
    if header_bytes is None or not timed:
        walker.skip()
        return None
    pairs = read_count(packed, at, header_bytes)
    walker.read_bytes(header_bytes)
    found = None
    best = len(rank)
    for _ in range(pairs):
        key_at = walker.tell()
        walker.skip()
        value_at = walker.tell()
        walker.skip()
        key_header = RAW_HEADER_BYTES.get(packed[key_at])
        if key_header is None:
            continue
        place = rank.get(packed[key_at + key_header : value_at])
        if place is not None and place <= best and packed[value_at] in RAW_HEADER_BYTES:
            best = place
            found = (value_at + RAW_HEADER_BYTES[packed[value_at]], walker.tell())
    return found
