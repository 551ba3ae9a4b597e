"""Commands are written as redis-py writes them, however they are cut, and replies are read as hiredis reads them."""

import io

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import Connection
from redis.exceptions import NoScriptError, ResponseError

from system.broker.bulk import read
from system.broker.resp import LARGE_BYTES, packed
from system.wire.pieces import Pieces

SMALL = st.binary(max_size=20) | st.integers(0, 10**12)
PIECES = st.lists(st.binary(max_size=30), max_size=4).map(Pieces)
LARGE = st.builds(lambda more: Pieces((b"x" * LARGE_BYTES, b"y" * more)), st.integers(0, 9))
COMMANDS = st.lists(st.lists(SMALL | PIECES | LARGE, min_size=1, max_size=4), max_size=4)


@given(commands=COMMANDS)
def test_commands_are_those_that_redis_py_writes(commands: list[list[bytes | int | Pieces]]) -> None:
    named = [[b"NAME", *command] for command in commands]
    plain = [tuple(bytes(one) if isinstance(one, Pieces) else one for one in command) for command in named]
    assert b"".join(packed(named)) == b"".join(Connection().pack_commands(plain))


def test_a_large_argument_is_not_copied() -> None:
    large = b"x" * LARGE_BYTES
    assert any(buffer is large for buffer in packed([[b"SET", b"k", Pieces((b"stamp", large))]]))


def replies(stream: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(stream))  # type: ignore[arg-type]


def told(value: object) -> bytes:
    match value:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % value
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
        case list():
            return b"*%d\r\n" % len(value) + b"".join(map(told, value))
    raise AssertionError(value)


VALUES = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=30) | st.just(b"\r\n" * 9),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(values=st.lists(VALUES, max_size=4))
def test_replies_are_those_that_hiredis_reads(values: list[object]) -> None:
    stream = b"".join(map(told, values))
    reference = hiredis.Reader()
    reference.feed(stream)
    source = replies(stream)
    assert [read(source) for _ in values] == [reference.gets() for _ in values] == values


def test_an_error_is_a_reply_like_any_other() -> None:
    source = replies(b"*2\r\n-NOSCRIPT none\r\n:1\r\n-ERR no\r\n+OK\r\n")
    (missing, one), refused, fine = read(source), read(source), read(source)
    assert isinstance(missing, NoScriptError)
    assert isinstance(refused, ResponseError)
    assert (one, str(refused), fine) == (1, "ERR no", b"OK")


@pytest.mark.parametrize("stream", [b"", b"$5\r\nabc", b"$3\r\nabcXY", b":1", b"*2\r\n:1\r\n", b"?1\r\n"])
def test_a_stream_that_ends_or_is_none_is_noticed(stream: bytes) -> None:
    with pytest.raises(ConnectionError):
        read(replies(stream))
