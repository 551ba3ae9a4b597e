"""The packed ring: any batch of any agent is one slice, and its bytes are the ring's records as the wire has them."""

import msgpack
import pytest

from loadgen.model.records.ring import Ring
from loadgen.model.truth import offset
from loadgen.ring import FIRST_UNIX_NS, STEP_NS, PackedRing
from system.wire.eventtime import pack_event_time
from system.wire.records import locate

LINES = tuple(b"line %d %s" % (number, b"x" * (number * 7 % 300)) for number in range(11))


def texts(packed: memoryview) -> list[bytes]:
    found = locate(bytes(packed))
    assert found.malformed == 0
    return [found.buffer[start:end] for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]


@pytest.mark.parametrize("longest_batch", [1, 5, 11, 12, 50])
def test_every_batch_holds_the_records_of_the_agents_stream(longest_batch: int) -> None:
    ring = PackedRing(Ring(LINES, None), longest_batch)
    for agent in (0, 1, 2, 10, 11, 12_345):
        for first in (0, 3, 10, 11, 10**12 + 7):
            for count in {1, longest_batch}:
                expected = [LINES[(offset(agent, 11) + first + place) % 11] for place in range(count)]
                assert texts(ring.slice(agent, first, count)) == expected


def test_a_slice_is_a_view_and_no_copy() -> None:
    ring = PackedRing(Ring(LINES, None), 5)
    one, same = ring.slice(0, 0, 5), ring.slice(0, 11, 5)
    assert isinstance(one, memoryview)
    assert one.obj is same.obj


def test_each_ring_record_has_an_event_time_of_its_own() -> None:
    packed = bytes(PackedRing(Ring(LINES, None), 1).slice(0, 0, 1))
    start = offset(0, 11)
    assert packed[1:].startswith(pack_event_time(FIRST_UNIX_NS + start * STEP_NS))
    unpacker = msgpack.Unpacker(strict_map_key=False)
    unpacker.feed(packed)
    (entry,) = unpacker
    assert entry[1] == {"log": LINES[start].decode()}


def test_a_ring_of_one_record_repeats_it() -> None:
    ring = PackedRing(Ring((b"only",), None), 4)
    assert texts(ring.slice(3, 99, 4)) == [b"only"] * 4


def test_bytes_that_are_not_utf8_go_out_as_they_are() -> None:
    ring = PackedRing(Ring((b"\xff\x00\xfe", b""), None), 2)
    assert sorted(texts(ring.slice(0, 0, 2))) == [b"", b"\xff\x00\xfe"]
