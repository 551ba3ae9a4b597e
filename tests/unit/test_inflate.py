"""Inflating: several members, a limit that is reached without making what lies beyond, and nothing that isn't gzip."""

import gzip
import tracemalloc
import zlib

import pytest

from system.wire import inflate as module
from system.wire.inflate import InflateError, inflate

TEXT = b"GET /index.html HTTP/1.1\n" * 1000


def test_one_member() -> None:
    assert inflate(gzip.compress(TEXT)) == TEXT


@pytest.mark.parametrize("members", [2, 3, 500])
def test_members_that_follow_one_another_are_joined(members: int) -> None:
    parts = [b"%d;" % number * number for number in range(members)]
    assert inflate(b"".join(map(gzip.compress, parts))) == b"".join(parts)


def test_an_empty_payload_and_empty_members_are_empty() -> None:
    empty = gzip.compress(b"")
    assert inflate(b"") == b""
    assert inflate(empty) == b""
    assert inflate(empty + gzip.compress(b"x") + empty) == b"x"


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("feed_bytes", [1, 2, 3, 256, 1 << 20])
def test_where_the_payload_is_cut_for_feeding_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, level: int, feed_bytes: int
) -> None:
    monkeypatch.setattr(module, "_FIRST_FEED_BYTES", feed_bytes)
    parts = [TEXT[:100], b"", TEXT]
    assert inflate(b"".join(gzip.compress(part, level) for part in parts)) == b"".join(parts)


def test_the_limit_itself_is_allowed_and_one_byte_more_is_not() -> None:
    packed = gzip.compress(TEXT)
    assert inflate(packed, len(TEXT)) == TEXT
    with pytest.raises(InflateError, match=f"payload inflates beyond {len(TEXT) - 1} bytes"):
        inflate(packed, len(TEXT) - 1)


def test_the_limit_is_on_all_members_together() -> None:
    packed = gzip.compress(b"a" * 60) * 2
    assert len(inflate(packed, 120)) == 120
    with pytest.raises(InflateError, match="beyond 119 bytes"):
        inflate(packed, 119)


def test_a_bomb_stops_at_the_limit_and_is_never_inflated_whole() -> None:
    bomb = gzip.compress(bytes(100 << 20), 9)
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(InflateError, match="beyond 1048576 bytes"):
            inflate(bomb, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_of_empty_members_costs_time_in_proportion_to_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in the bytes that zlib is fed, and not in seconds: fed the whole rest each time, they would be its square."""
    fed = 0
    real = zlib.decompressobj

    class Counting:
        def __init__(self, window_bits: int) -> None:
            self._member = real(window_bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal fed
            fed += len(data)
            return self._member.decompress(data, most)

        @property
        def eof(self) -> bool:
            return self._member.eof

        @property
        def unused_data(self) -> bytes:
            return self._member.unused_data

    monkeypatch.setattr(module.zlib, "decompressobj", Counting)
    packed = gzip.compress(b"") * 5000
    assert inflate(packed) == b""
    assert fed <= len(packed) / 20 * 256


@pytest.mark.parametrize("missing", [1, 4, 8, 9, 20, 60])
def test_a_payload_that_is_cut_off_is_refused(missing: int) -> None:
    packed = gzip.compress(b"first") + gzip.compress(TEXT)
    with pytest.raises(InflateError, match="gzip payload is cut off"):
        inflate(packed[:-missing])


@pytest.mark.parametrize(
    "packed", [b"plain text", b"\x92\xd7\x00", zlib.compress(TEXT), gzip.compress(TEXT) + b"and more"]
)
def test_what_is_not_gzip_is_refused(packed: bytes) -> None:
    with pytest.raises(InflateError, match="payload is not gzip"):
        inflate(packed)


def test_a_damaged_checksum_is_refused() -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-5] ^= 1
    with pytest.raises(InflateError, match=r"payload is not gzip: .*incorrect data check"):
        inflate(bytes(packed))
