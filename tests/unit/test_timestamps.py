"""Timestamps of log lines: each form against instants written down by hand, and every file that is refused."""

from pathlib import Path

import pytest

from loadgen.model.arrivals import timestamps

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def times(folder: Path, text: str | bytes, form: str = "auto") -> list[int]:
    path = folder / "a.log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return timestamps.read(str(path), form).tolist()


@pytest.mark.parametrize(
    ("first", "second", "apart_ns"),
    [
        ("2026-03-14T06:00:00Z a", "2026-03-14T06:00:01.25Z b", 1_250_000_000),
        ("2026-03-14 06:00:00,000 a", "2026-03-14 06:00:00,123456789 b", 123_456_789),
        ("2026-03-14T06:00:00+01:00 a", "2026-03-14T06:00:00Z b", 3600 * SECOND),
        ("2026-03-14T06:00:00-0130 a", "2026-03-14T07:30:01Z b", SECOND),
        ("[2026-02-28T23:59:59Z] INFO a", "[2026-03-01T00:00:00Z] INFO b", SECOND),
        ("2016-12-31T23:59:59Z a", "2016-12-31T23:59:60Z a leap second", SECOND),
        ("2024-02-28T00:00:00Z a", "2024-03-01T00:00:00Z b", 2 * DAY),
        (
            '192.0.2.4 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 5',
            '192.0.2.4 - - [10/Oct/2026:15:55:38 +0200] "GET / HTTP/1.1" 200 5',
            2 * SECOND,
        ),
        ("192.0.2.4 - - [10/Oct/2026:13:55:36] x", "192.0.2.4 - - [11/Oct/2026:13:55:36] x", DAY),
        ("Oct 10 13:55:36 host sshd[7]: a", "Oct 11 13:55:37 host sshd[7]: b", DAY + SECOND),
        ("<34>Oct  9 13:55:36 host su: a", "<34>Oct 10 13:55:36 host su: b", DAY),
        ("Dec 31 23:59:59 host a: a", "Jan  1 00:00:01 host a: b", 2 * SECOND),
        ("0 a", "0.5 b", 500_000_000),
        ("1773468000.123 a", "1773468001.124 b", 1_001_000_000),
        ("17", "19", 2 * SECOND),
    ],
)
def test_two_lines_are_as_far_apart_as_their_timestamps(tmp_path: Path, first: str, second: str, apart_ns: int) -> None:
    assert times(tmp_path, f"{first}\n{second}\n") == [0, apart_ns]


def test_an_access_log_is_read_by_its_own_time_and_not_by_one_in_the_request(tmp_path: Path) -> None:
    line = '192.0.2.4 - - [10/Oct/2026:13:55:{:02d} +0000] "GET /?day=2001-01-01T00:00:00Z HTTP/1.1" 200 5'
    assert times(tmp_path, f"{line.format(1)}\n{line.format(2)}\n") == [0, SECOND]


def test_syslog_lines_a_little_out_of_order_at_the_turn_of_the_year_stay_there(tmp_path: Path) -> None:
    text = "Dec 31 23:59:58 h a: 1\nJan  1 00:00:00 h a: 2\nDec 31 23:59:59 h a: 3\nJan  1 00:00:01 h a: 4\n"
    assert times(tmp_path, text) == [0, SECOND, 2 * SECOND, 3 * SECOND]


def test_a_line_without_a_timestamp_comes_with_the_line_before_it(tmp_path: Path) -> None:
    text = "2026-03-14T06:00:00Z error\n  at frame\n2026-03-14T06:00:02Z fine\n"
    assert times(tmp_path, text) == [0, 0, 2 * SECOND]


def test_lines_out_of_order_are_sorted_and_empty_ones_are_none(tmp_path: Path) -> None:
    assert times(tmp_path, "5 a\n\n4 b\r\n\n7 c") == [0, SECOND, 3 * SECOND]


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    assert times(tmp_path, b"1 \xff\xfe\n2 \x00\n") == [0, SECOND]


def test_a_form_that_is_named_is_the_one_that_is_read(tmp_path: Path) -> None:
    text = "1 2026-03-14T06:00:00Z a\n2 2026-03-14T06:01:00Z b\n"
    assert times(tmp_path, text) == [0, 60 * SECOND]
    assert times(tmp_path, text, "seconds") == [0, SECOND]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    assert times(tmp_path, "1 a\n2 b\n") == [0, SECOND]
    assert times(tmp_path, "1 a\n2 b\n5 c\n") == [0, SECOND, 4 * SECOND]


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("", "auto", ["0 lines at one instant"]),
        ("5 a\n", "auto", ["1 lines at one instant", "two instants"]),
        ("5 a\n5 b\n", "auto", ["2 lines at one instant"]),
        ("hello\n5 a\n6 b\n", "auto", ["first line", "none of the forms apache, iso8601, syslog, seconds", "'hello'"]),
        ("hello\n5 a\n6 b\n", "seconds", ["first line", "no timestamp in the form seconds", "'hello'"]),
        ("1 a\n9999999999 b\n", "auto", ["spans more than", "days"]),
        ("0001-01-01T00:00:00Z a\n9999-12-31T00:00:00Z b\n", "auto", ["spans more than", "days"]),
        ("5 a\nb\nc\nd\n6 e\n", "auto", ["timestamps on 2 of 5 lines"]),
        ("2026-03-14T06:00:00Z a\n2026-02-30T06:00:00Z b\n", "auto", ["line 2", "a date that doesn't exist"]),
        ("2026-13-14T06:00:00Z a\n", "iso8601", ["line 1", "a date that doesn't exist"]),
        ("Feb 29 01:00:00 h a: leap\nFoo 30 01:00:00 h a: b\nFeb 30 01:00:00 h a: c\n", "auto", ["line 3"]),
    ],
)
def test_a_file_that_is_no_such_log_is_refused_in_one_line(
    tmp_path: Path, text: str, form: str, words: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"a\.log") as caught:
        times(tmp_path, text, form)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.log", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        timestamps.read(str(tmp_path / name))


def test_more_lines_than_a_trace_may_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timestamps, "MOST_LINES", 2)
    with pytest.raises(ValueError, match="has more than 2 lines; take a part of it"):
        times(tmp_path, "1 a\n2 b\n3 c\n")
