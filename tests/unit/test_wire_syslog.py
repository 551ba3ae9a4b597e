"""Lines out of syslog streams: the three framings, what senders really write, and any split of it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.wire.syslog import SyslogReader

LIMIT_BYTES = 40

ACCESS = b'83.149.9.216 - - [x] "GET / HTTP/1.1" 200 7697'


def split(*blocks: bytes, limit_bytes: int = 1000) -> list[bytes]:
    reader = SyslogReader(limit_bytes)
    return [line for block in blocks for line in reader.feed(block)] + reader.end()


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"", []),
        (b"<13>one\n<13>two\r\n", [b"<13>one", b"<13>two"]),
        (b"<12>text\0<12>next\0", [b"<12>text", b"<12>next"]),  # Python's SysLogHandler
        (b"7 <13>one7 <13>two", [b"<13>one", b"<13>two"]),  # logger --octet-count, rsyslog
        (b"8 <13>one\n8 <13>two\n", [b"<13>one", b"<13>two"]),  # loggen -P, syslog-ng: the count includes the LF
        (b"7 <13>one\n7 <13>two\n", [b"<13>one", b"<13>two"]),  # an LF after what was counted
        (b"8 <13>a\nb\n<13>c\n", [b"<13>a\nb", b"<13>c"]),
        (b"8 <13>a\0\nb<13>c\n", [b"<13>a\0\nb", b"<13>c"]),
        (b"<13>one\n7 <13>two<13>three\0", [b"<13>one", b"<13>two", b"<13>three"]),
        (ACCESS + b"\n" + ACCESS + b"\n", [ACCESS, ACCESS]),
        (b"200 ok\n7 \n7\n12345678 <x\n", [b"200 ok", b"7 ", b"7", b"12345678 <x"]),
        (b"0 <x\n07 <13>one\n", [b"0 <x", b"07 <13>one"]),
        (b"a 7 <13>one\n", [b"a 7 <13>one"]),
        (b"\n\0\r\n\n<13>one\n\0", [b"<13>one"]),
        (b"1 <1 <", [b"<", b"<"]),
        (b"last without an end\r", [b"last without an end\r"]),
        (b"12", [b"12"]),
        (b"12 ", [b"12 "]),
        (b"100 <13>broken off", [b"<13>broken off"]),
        (b"\xff\xfe\x80\n", [b"\xff\xfe\x80"]),
    ],
)
def test_lines_are_what_the_senders_mean(stream: bytes, lines: list[bytes]) -> None:
    assert split(stream) == lines
    assert split(*(stream[at : at + 1] for at in range(len(stream)))) == lines


def test_raw_access_lines_are_never_taken_for_counted_ones() -> None:
    # The planted fault: with "begins with a digit" as the rule, rsyslog made one record of five such lines.
    assert re.match(rb"[1-9]", ACCESS)
    assert split((ACCESS + b"\n") * 5) == [ACCESS] * 5


def test_the_octet_count_includes_a_last_line_end_but_not_one_within() -> None:
    assert split(b"9 <13>one\r\n<13>two\n") == [b"<13>one", b"<13>two"]
    assert split(b"8 <13>a\n\r\n<13>two\n") == [b"<13>a\n", b"<13>two"]


@pytest.mark.parametrize(
    ("stream", "lines", "cut"),
    [
        (b"x" * 4 + b"\r\n", [b"xxxx"], 0),
        (b"x" * 5 + b"\n", [b"xxxx"], 1),
        (b"x" * 5000 + b"\nabc\n", [b"xxxx", b"abc"], 1),
        (b"4 <abc6 <abc\r\n5 <abcd", [b"<abc", b"<abc", b"<abc"], 1),
        (b"9999999 <" + b"a" * 9_999_998 + b"<b\n", [b"<aaa", b"<b"], 1),
        (b"8 <abc", [b"<abc"], 1),
        (b"8 <abcd", [b"<abc"], 1),
        (b"12345", [b"1234"], 1),
    ],
)
def test_a_line_beyond_the_limit_or_broken_off_is_cut_and_counted(stream: bytes, lines: list[bytes], cut: int) -> None:
    reader = SyslogReader(4)
    found = []
    for at in range(0, len(stream), 1000):
        found += reader.feed(stream[at : at + 1000])
        assert reader.partial_bytes <= 4 + 2 + 8
    assert found + reader.end() == lines
    assert (reader.cut, reader.lines) == (cut, len(lines))


def test_empty_frames_are_dropped_and_counted() -> None:
    reader = SyslogReader(10)
    assert reader.feed(b"\n\r\n\0a\n") == [b"a"]
    assert (reader.empty, reader.lines) == (3, 1)


def test_a_line_under_way_is_told_from_none() -> None:
    reader = SyslogReader(10)
    for data, between in ((b"a", False), (b"\n", True), (b"7", False), (b" <13>", False), (b"one", True)):
        reader.feed(data)
        assert reader.between_lines is between
    reader.feed(b"rest")
    assert reader.end() == [b"rest"]
    assert reader.between_lines
    assert reader.partial_bytes == 0


PIECES = st.sampled_from([b"\n", b"\0", b"\r", b"<", b"1", b"7", b"10", b"30", b" ", b"<13>", b"ab", b"x" * 30])


def slowly(stream: bytes, limit_bytes: int) -> list[bytes]:
    """The expected lines, another way: the whole stream at once, frame by frame."""
    lines = []
    while stream:
        if head := re.match(rb"([1-9][0-9]{0,6}) <", stream):
            begin = head.end() - 1
            whole = begin + int(head[1]) <= len(stream)
            line, stream = stream[begin : begin + int(head[1])], stream[begin + int(head[1]) :]
            line = re.sub(rb"\r?\n\Z", b"", line) if whole else line
            line = line.removesuffix(b"\r") if whole and not line.endswith(b"\n") else line
        elif end := re.search(rb"[\n\0]", stream):
            line, stream = stream[: end.start()].removesuffix(b"\r"), stream[end.end() :]
        else:
            line, stream = stream, b""
        lines.append(line[:limit_bytes])
    return [line for line in lines if line]


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(PIECES, max_size=6).map(b"".join), max_size=8), st.integers(1, LIMIT_BYTES))
def test_how_the_bytes_are_cut_into_reads_changes_nothing(blocks: list[bytes], limit_bytes: int) -> None:
    assert split(*blocks, limit_bytes=limit_bytes) == slowly(b"".join(blocks), limit_bytes)
