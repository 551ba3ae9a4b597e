"""Fast and slow location of records agree, and both find what msgpack decodes."""

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from system.wire.packing import pack_record
from system.wire.records import TEXT_KEYS, Records, chain, locate, walk

HEADER = pack_record(0, b"")[:16]

sizes = st.sampled_from([0, 1, 31, 32, 255, 256, 65_535, 65_536])
planted = [HEADER, HEADER[:11], HEADER + b"\xa4", HEADER + b"\xd9", HEADER + b"\xda\x00", pack_record(7, b"planted")]
pieces = st.binary(max_size=20) | st.sampled_from([*planted, b"\x92", b"log"])
lines = st.lists(pieces, max_size=4).map(b"".join) | sizes.map(lambda size: b"\x92" * size)
usual = st.builds(pack_record, st.integers(0, 2**32 * 10**9 - 1), lines)
scalars = st.none() | st.integers(-5, 2**40) | st.binary(max_size=9) | st.text(max_size=9) | st.floats(allow_nan=False)
foreign_records = st.dictionaries(st.sampled_from(["log", "message", "msg", "other"]), scalars, max_size=4)
event_times = st.binary(min_size=8, max_size=8).map(lambda raw: msgpack.ExtType(0, raw))
foreign_times = st.integers(0, 2**40) | event_times | scalars
foreign = st.tuples(foreign_times, foreign_records).map(msgpack.packb) | scalars.map(msgpack.packb)
tails = st.just(b"") | st.binary(max_size=30)


def texts(found: Records) -> list[bytes]:
    return [found.buffer[start:end] for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]


def same(left: Records | None, right: Records) -> bool:
    """Whether both say the same; a fast way that gave up says nothing wrong."""
    return left is None or (
        left.starts.tolist() == right.starts.tolist()
        and left.ends.tolist() == right.ends.tolist()
        and left.malformed == right.malformed
    )


@settings(deadline=None)
@given(st.lists(usual, max_size=12))
def test_usual_records_with_hostile_texts(entries: list[bytes]) -> None:
    packed = b"".join(entries)
    found = chain(packed) if entries else locate(packed)
    assert found is not None
    assert same(found, walk(packed))
    assert texts(found) == [record[b"log"] for _, record in (msgpack.unpackb(entry, raw=True) for entry in entries)]


@settings(deadline=None)
@given(st.lists(usual | foreign, max_size=12), tails)
def test_any_mix_with_any_tail(entries: list[bytes], tail: bytes) -> None:
    packed = b"".join(entries) + tail
    assert same(chain(packed), walk(packed))
    assert same(locate(packed), walk(packed))


@settings(deadline=None, max_examples=300)
@given(st.lists(usual, min_size=1, max_size=4), st.data())
def test_any_damage_in_place(entries: list[bytes], data: st.DataObject) -> None:
    packed = bytearray(b"".join(entries))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    whole = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    assert same(chain(whole), walk(whole))
    assert same(locate(whole), walk(whole))


@settings(deadline=None)
@given(st.lists(foreign, max_size=12))
def test_walking_finds_what_decoding_finds(entries: list[bytes]) -> None:
    found = walk(b"".join(entries))
    expected = [decoded_text(msgpack.unpackb(entry, raw=True)) for entry in entries]
    assert texts(found) == [text or b"" for text in expected]
    assert found.malformed == expected.count(None)


def decoded_text(entry: object) -> bytes | None:
    """An entry's text by the rules, from Python values."""
    if not isinstance(entry, list) or len(entry) != 2:
        return None
    time, record = entry
    if not isinstance(time, int | msgpack.ExtType | list) or not isinstance(record, dict):
        return None
    return next((record[key] for key in TEXT_KEYS if isinstance(record.get(key), bytes)), None)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_raise(packed: bytes) -> None:
    assert same(chain(packed), walk(packed))
    assert same(locate(packed), walk(packed))
