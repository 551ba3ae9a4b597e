"""The chunk id of our own agents."""

import base64

import pytest

from system.wire.chunk import PREFIX, Chunk, parse_chunk


def test_a_chunk_is_36_ascii_characters_with_a_fixed_beginning() -> None:
    text = Chunk(epoch=2**64 - 1, agent=2**32 - 1, first=2**64 - 1, count=2**32 - 1).encode()
    assert len(text) == 36
    assert text.isascii()
    assert text.startswith(PREFIX)


def test_its_bytes_are_those_of_the_fields_in_network_order() -> None:
    raw = base64.urlsafe_b64decode(Chunk(1, 2, 3, 4).encode())
    assert raw[3:].hex() == "000000000000000100000002000000000000000300000004"


def test_parsing_gives_back_what_was_encoded() -> None:
    chunk = Chunk(epoch=1_700_000_000_123_456_789, agent=77, first=123_456, count=1000)
    assert parse_chunk(chunk.encode()) == chunk


@pytest.mark.parametrize("fields", [(-1, 0, 0, 0), (0, 2**32, 0, 0), (0, 0, 2**64, 0), (0, 0, 0, -5)])
def test_a_field_that_does_not_fit_is_named_with_its_value(fields: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=rf"got Chunk\(epoch={fields[0]}"):
        Chunk(*fields).encode()


OURS = Chunk(1, 2, 3, 4).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Zg8xAAAAAAAAAAAAAAAAAA==\n",  # Fluentd
        b"6d2ac3a0c6b84a7bb7f2f4ab6d2ac3a0",  # Fluent Bit 1.8
        OURS + b"\n",
        OURS[:-1],
        OURS[:-1] + b"=",
        OURS[:-1] + b"\xff",
        OURS[:20] + b"+" + OURS[21:],  # the other base64 alphabet
        OURS[:20] + b"\n" + OURS[21:],  # skipped by a lenient decoder
        OURS[:20] + b"\n\n\n\n" + OURS[24:],  # so many that what is left is whole base64
        OURS[:-4] + b"A===",
        b"XdL1" + OURS[4:],
        bytes(36),
        PREFIX + bytes(32),
    ],
)
def test_any_other_text_is_not_ours(raw: bytes) -> None:
    assert parse_chunk(raw) is None
