"""Records located in packed bytes: the documented cases; property/test_wire_locate.py holds the two ways equal."""

import struct

import msgpack
import pytest

from system.wire import records
from system.wire.packing import pack_record
from system.wire.records import MALFORMED_MOST, SMALL_BYTES, Records, chain, locate, walk

EVENT_TIME = msgpack.ExtType(0, struct.pack(">II", 1_700_000_000, 5))


def texts(found: Records) -> list[bytes]:
    return [found.buffer[start:end] for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]


def chained(packed: bytes) -> Records:
    """The fast way, which must be open."""
    found = chain(packed)
    assert found is not None
    return found


SIZES = [0, 1, 31, 32, 255, 256, 65_535, 65_536, 70_001]


@pytest.mark.parametrize("sizes", [*([size] for size in SIZES), SIZES, SIZES[::-1], [31] * 100, [255] * 100])
def test_usual_records_are_found_without_walking(sizes: list[int]) -> None:
    lines = [bytes([65 + place % 26]) * size for place, size in enumerate(sizes)]
    packed = b"".join(pack_record(place, line) for place, line in enumerate(lines))
    found = chained(packed)
    assert texts(found) == lines
    assert found.malformed == 0
    assert found.buffer is packed


def test_record_headers_within_texts_are_stepped_around_without_walking() -> None:
    header = pack_record(9, b"")[:16]
    lines = [
        header,
        header + b"\xa5",
        pack_record(9, b"planted"),
        header * 3,
        b"x" + header + b"\xda\x00\x10",
        b"plain",
    ]
    packed = b"".join(pack_record(place, line) for place, line in enumerate(lines))
    assert texts(chained(packed)) == lines


def test_a_text_that_ends_where_a_planted_header_begins_to_lie_is_not_followed_into_it() -> None:
    # The planted record is itself a chain to the end of the batch; only the chain from 0 counts.
    packed = pack_record(1, b"x" * 40 + pack_record(2, b"planted"))
    assert texts(chained(packed)) == [b"x" * 40 + pack_record(2, b"planted")]


def test_a_bin_under_log_is_text_too() -> None:
    packed = b"".join(msgpack.packb([EVENT_TIME, {"log": bytes(size)}]) for size in (0, 255, 256, 65_536))
    assert [len(text) for text in texts(chained(packed))] == [0, 255, 256, 65_536]


def test_no_bytes_are_no_records() -> None:
    found = locate(b"")
    assert (texts(found), found.malformed) == ([], 0)
    assert found.starts.dtype == found.ends.dtype == "int64"


@pytest.mark.parametrize(
    "time", [0, 1_700_000_000, -1, 2**63, EVENT_TIME, msgpack.Timestamp(5), [EVENT_TIME, {"meta": {"a": [1]}}]]
)
def test_time_may_be_a_number_an_extension_or_an_array(time: object) -> None:
    found = locate(msgpack.packb([time, {"log": "line"}]))
    assert (texts(found), found.malformed) == ([b"line"], 0)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"log": "line"}, b"line"),
        ({"message": b"line"}, b"line"),
        ({"msg": "line"}, b"line"),
        ({"msg": "c", "message": "b", "log": "a"}, b"a"),
        ({"msg": "c", "message": "b"}, b"b"),
        ({"log": 5, "message": "b"}, b"b"),
        ({b"log": "bin key"}, b"bin key"),
        ({"stream": "stdout", "log": "line", "kubernetes": {"log": "not this", "labels": [1, 2]}}, b"line"),
        ({**{f"key{place}": place for place in range(20)}, "log": "line"}, b"line"),
    ],
)
def test_the_line_is_the_first_known_key_that_holds_text(record: dict[str, object], text: bytes) -> None:
    found = locate(msgpack.packb([1, record]))
    assert (texts(found), found.malformed) == ([text], 0)


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert texts(locate(b"\x92\x01\x82\xa3log\xa1a\xa3log\xa1b")) == [b"b"]


@pytest.mark.parametrize("size", [10, SMALL_BYTES])
def test_keys_are_the_callers(size: int) -> None:
    found = locate(pack_record(1, b"x" * size), keys=(b"text",))
    assert (texts(found), found.malformed) == ([b""], 1)
    found = locate(msgpack.packb([1, {"log": "no", "text": "x" * size}]), keys=(b"text",))
    assert (texts(found), found.malformed) == ([b"x" * size], 0)


@pytest.mark.parametrize("count", [1, 1000])
def test_a_batch_of_any_size_is_located_whichever_way_is_faster(count: int) -> None:
    lines = [b"line %d" % place * 10 for place in range(count)]
    found = locate(b"".join(pack_record(place, line) for place, line in enumerate(lines)))
    assert texts(found) == lines


def test_records_that_are_not_usual_close_the_fast_way() -> None:
    usual = pack_record(1, b"line")
    for other in (msgpack.packb([1, {"log": "line"}]), msgpack.packb([EVENT_TIME, {"log": "a", "b": 1}]), b"\xc0"):
        assert chain(usual + other + usual) is None


GOOD = pack_record(1, b"good")


@pytest.mark.parametrize(
    "entry",
    [
        5,
        None,
        "text",
        {"log": "line"},
        [],
        [1],
        [1, {"log": "line"}, 3],
        [1, "line"],
        [1, None],
        [1, ["log", "line"]],
        [1, {}],
        [1, {"other": "line"}],
        [1, {"log": 5}],
        [1, {"log": None, "message": ["x"]}],
        [1.5, {"log": "line"}],
        ["now", {"log": "line"}],
        [None, {"log": "line"}],
    ],
)
def test_a_malformed_entry_is_counted_and_keeps_its_place(entry: object) -> None:
    found = locate(GOOD + msgpack.packb(entry) + GOOD)
    assert (texts(found), found.malformed) == ([b"good", b"", b"good"], 1)


@pytest.mark.parametrize(
    "entry",
    [
        b"\x92\xd7\xff" + b"\xff" * 8 + b"\x81\xa3log\xa1x",  # a Timestamp whose nanoseconds are none
        b"\x92\xc7\x03\xff123\x81\xa3log\xa1x",  # a Timestamp of 3 bytes
        b"\x92\x01\x82\x91\x01\x02\xa3log\xa1x",  # an array as key, which no Python dict can hold
        b"\x92\x01\x82\x80\x01\xa3log\xa1x",
        b"\xdc\x00\x02\x01\xde\x00\x01\xd9\x03log\xdb\x00\x00\x00\x01x",  # every header longer than it need be
        b"\xdd\x00\x00\x00\x02\x01\xdf\x00\x00\x00\x01\xc4\x03log\xc6\x00\x00\x00\x01x",
    ],
)
def test_odd_but_whole_entries_are_read(entry: bytes) -> None:
    found = locate(GOOD + entry + GOOD)
    assert (texts(found), found.malformed) == ([b"good", b"x", b"good"], 0)


@pytest.mark.parametrize("planted", [b"", pack_record(3, b"x" + pack_record(4, b"planted"))])
def test_a_number_under_log_is_no_text_even_where_its_value_as_a_length_would_fit(planted: bytes) -> None:
    # 5 as fixint would be a text that begins with itself and ends after four more bytes: exactly where a record begins.
    number = pack_record(1, b"")[:16] + b"\x05"
    packed = number + b"\x01\x01\x01\x01" + GOOD + planted
    assert chain(packed) is None
    assert texts(locate(packed))[:6] == [b"", b"", b"", b"", b"", b"good"]


@pytest.mark.parametrize(
    "tail",
    [
        GOOD[:1],
        GOOD[:5],
        GOOD[:12],
        GOOD[:-1],
        b"\xc1",
        b"\x92\xc1",
        b"\x92\x01\xdf\xff\xff\xff\xff",
        b"\x92\x01\x81\xa3log\xdb\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\x92\x01" + b"\x91" * 10_000 + b"\xc0",
        b"\x91" * 10_000 + b"\xc0",
        b"\x92\x01" + b"\x81\xa1k" * 10_000 + b"\xc0",
        b"\x1f\x8b\x08",  # gzip: 0x1f is a whole (malformed) entry of its own, then 0x8b claims a map
    ],
)
def test_a_tail_that_is_no_entry_counts_once_and_ends_the_batch(tail: bytes) -> None:
    found = locate(GOOD + GOOD + tail)
    leading = 1 if tail.startswith(b"\x1f") else 0
    assert texts(found) == [b"good", b"good", *([b""] * leading), b""]
    assert found.malformed == 1 + leading


def test_nesting_that_msgpack_can_step_over_harms_nothing() -> None:
    packed = b"\x92\x01\x82\xa1k" + b"\x91" * 1000 + b"\xc0\xa3log\xa1x"
    assert texts(walk(packed)) == [b"x"]


def test_what_follows_too_many_malformed_entries_is_one_more_and_is_not_walked() -> None:
    good = pack_record(0, b"line")
    found = locate(good + bytes(MALFORMED_MOST) + good)
    assert (found.malformed, texts(found)[0], texts(found)[-1]) == (MALFORMED_MOST, b"line", b"line")
    found = locate(good + bytes(1 << 26))
    assert (found.malformed, len(found.starts)) == (MALFORMED_MOST + 1, MALFORMED_MOST + 2)


def test_entries_beyond_the_most_are_one_malformed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """8.4 million of the smallest ones are 64 MiB, and 98 kB of gzip."""
    smallest = b"\x92\x00\x81\xa3log\xa0"
    monkeypatch.setattr(records, "RECORDS_MOST", 10)
    whole = records.walk(smallest * 10)
    assert (len(whole.starts), whole.malformed) == (10, 0)
    cut = records.walk(smallest * 20)
    assert (len(cut.starts), cut.malformed) == (10, 1)
