"""Batches read and scanned together give what each gives alone."""

import random

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from system.engine import registry
from system.settings import SystemSettings
from system.signatures.model import Signature
from system.wire.joined import Joined, Part, locate_all
from system.wire.packing import pack_record
from system.wire.records import SMALL_BYTES, Records, locate
from system.worker import joint
from system.worker.joint import scan_all

PREFIX = b"stamps of 24 bytes......"

usual = st.builds(pack_record, st.integers(0, 2**32 * 10**9 - 1), st.binary(max_size=60))
foreign = st.dictionaries(st.sampled_from(["log", "message", "other"]), st.text(max_size=9), max_size=3).map(
    lambda record: msgpack.packb([1, record])
)
batches = st.lists(
    st.tuples(st.lists(usual, max_size=6), st.sampled_from([b"", b"", b"", b"\x92", b"\xd7\x00"])).map(
        lambda told: b"".join(told[0]) + told[1]
    )
    | st.lists(usual | foreign, max_size=4).map(b"".join),
    min_size=1,
    max_size=6,
)


def parts(packed: list[bytes]) -> list[Part]:
    return [Part(PREFIX + one, len(PREFIX)) for one in packed]


def texts(found: Records) -> list[bytes]:
    return [found.buffer[start:end] for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]


def told(found: Joined) -> list[tuple[list[bytes], int]]:
    every = texts(found.records)
    edges = found.edges.tolist()
    return [(every[edges[at] : edges[at + 1]], broken) for at, broken in enumerate(found.malformed)]


def alone(packed: list[bytes]) -> list[tuple[list[bytes], int]]:
    return [(texts(one), one.malformed) for one in map(locate, packed)]


@settings(deadline=None)
@given(batches, st.integers(0, 40))
def test_batches_laid_end_to_end_are_found_as_each_alone(packed: list[bytes], padded: int) -> None:
    # With many usual records before them they are past the size from which numpy looks.
    packed = [b"".join(pack_record(at, b"a usual line of a usual length" * 4) for at in range(padded)), *packed]
    assert told(locate_all(parts(packed))) == alone(packed)


def test_a_record_that_is_cut_takes_nothing_of_the_batch_behind_it() -> None:
    """Planted: the chain closes over both, with a record that begins in one batch and ends in the other."""
    filler = b"".join(pack_record(at, b"x" * 200) for at in range(30))
    whole = pack_record(5, b"y" * 30)
    packed = [filler + whole[:-10], b"y" * 10 + filler]
    assert len(b"".join(packed)) > SMALL_BYTES
    assert told(locate_all(parts(packed))) == alone(packed)
    assert alone(packed)[0][1] == 1


def test_hits_are_given_to_the_batch_and_record_they_are_in() -> None:
    signatures = [
        Signature(id="word", pattern=r"needle", severity="low"),
        Signature(id="edge", pattern=r"^GET .*ends$", severity="low"),
    ]
    lines = [b"GET / needle ends", b"nothing here", b"GET ends", b"a needle", b"GET / needle end"]
    draw = random.Random(3)
    packed = [
        b"".join(pack_record(at, draw.choice(lines) + b"." * draw.choice([0, 0, 800])) for at in range(size))
        for size in (1, 0, 40, 1, 2, 700, 3, 1200, 1)
    ]
    assert sum(map(len, packed)) > 2 * joint.JOINT_BYTES
    for name in ("reference", "hyperscan", "re2"):
        engine = registry.build(name, signatures, SystemSettings())
        found = scan_all(engine, parts(packed))
        assert len(found) == len(packed)
        for (records, hits), one in zip(found, packed, strict=True):
            own = locate(one)
            wanted = engine.scan(own.buffer, own.starts, own.ends)
            assert texts(records) == texts(own)
            assert hits.record.tolist() == wanted.record.tolist()
            assert hits.signature.tolist() == wanted.signature.tolist()
    assert scan_all(engine, []) == []
