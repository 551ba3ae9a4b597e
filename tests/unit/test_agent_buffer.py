"""The agent's buffer, on arrivals worked out by hand. Instants are small integers: the buffer reads no clock."""

import pytest

from system.agent.buffer import Buffer, Cut


def test_a_batch_is_cut_by_size_at_the_arrival_of_the_record_that_fills_it() -> None:
    buffer = Buffer(3, 100)
    assert buffer.add(b"a", 10) is None
    assert buffer.add(b"b", 20) is None
    assert buffer.add(b"c", 30) == Cut(0, (b"a", b"b", b"c"), 30, "size")
    assert len(buffer) == 0
    assert buffer.deadline_mono_ns is None


def test_the_deadline_counts_from_the_first_record_of_the_batch_not_from_the_last() -> None:
    buffer = Buffer(10, 100)
    buffer.add(b"a", 10)
    buffer.add(b"b", 109)
    assert buffer.deadline_mono_ns == 110
    assert buffer.expire(109) is None
    assert buffer.expire(110) == Cut(0, (b"a", b"b"), 110, "timeout")


def test_a_timeout_is_cut_at_its_deadline_however_late_it_is_noticed() -> None:
    buffer = Buffer(10, 100)
    buffer.add(b"a", 10)
    assert buffer.expire(5_000) == Cut(0, (b"a",), 110, "timeout")
    assert buffer.expire(6_000) is None


def test_a_record_that_arrives_at_the_deadline_is_in_the_next_batch() -> None:
    buffer = Buffer(10, 100)
    buffer.add(b"a", 0)
    assert buffer.add(b"b", 100) == Cut(0, (b"a",), 100, "timeout")
    assert buffer.deadline_mono_ns == 200
    assert buffer.close(150) == Cut(1, (b"b",), 150, "close")


def test_a_record_that_arrives_just_before_the_deadline_is_still_in_the_batch() -> None:
    buffer = Buffer(2, 100)
    buffer.add(b"a", 0)
    assert buffer.add(b"b", 99) == Cut(0, (b"a", b"b"), 99, "size")


def test_the_record_that_would_fill_the_batch_at_the_deadline_comes_too_late() -> None:
    buffer = Buffer(2, 100)
    buffer.add(b"a", 0)
    assert buffer.add(b"b", 100) == Cut(0, (b"a",), 100, "timeout")
    assert len(buffer) == 1


def test_records_of_one_instant_share_a_batch() -> None:
    buffer = Buffer(3, 1)
    assert [buffer.add(b"x", 7) for _ in range(4)] == [None, None, Cut(0, (b"x", b"x", b"x"), 7, "size"), None]


def test_with_batch_size_one_every_record_is_its_own_batch() -> None:
    buffer = Buffer(1, 1)
    assert buffer.add(b"a", 5) == Cut(0, (b"a",), 5, "size")
    assert buffer.add(b"b", 500) == Cut(1, (b"b",), 500, "size")
    assert buffer.close(600) is None


def test_closing_gives_what_is_left_at_the_instant_of_the_close() -> None:
    buffer = Buffer(3, 100)
    buffer.add(b"a", 10)
    assert buffer.close(50) == Cut(0, (b"a",), 50, "close")
    assert buffer.close(60) is None


@pytest.mark.parametrize("now", [110, 111, 9_999])
def test_closing_at_or_after_the_deadline_is_a_timeout(now: int) -> None:
    buffer = Buffer(3, 100)
    buffer.add(b"a", 10)
    assert buffer.close(now) == Cut(0, (b"a",), 110, "timeout")


def test_record_numbers_go_on_over_every_kind_of_cut() -> None:
    buffer = Buffer(2, 100)
    cuts = [buffer.add(b"a", 0), buffer.add(b"b", 1), buffer.add(b"c", 2), buffer.add(b"d", 102), buffer.close(103)]
    assert [(cut.first, len(cut.records), cut.reason) for cut in cuts if cut] == [
        (0, 2, "size"),
        (2, 1, "timeout"),
        (3, 1, "close"),
    ]


def test_a_cut_keeps_its_records_when_the_buffer_goes_on() -> None:
    buffer = Buffer(1, 10)
    cut = buffer.add(b"a", 0)
    buffer.add(b"b", 1)
    assert cut is not None
    assert cut.records == (b"a",)


def test_a_clock_that_goes_back_is_refused() -> None:
    buffer = Buffer(2, 10)
    buffer.add(b"a", 100)
    with pytest.raises(ValueError, match=r"now_mono_ns must not go back, got 99 after 100"):
        buffer.add(b"b", 99)


@pytest.mark.parametrize(
    ("batch_size", "timeout_ns", "message"),
    [
        (0, 5, "batch_size must be >= 1 record, got 0"),
        (5, 0, "timeout_ns must be >= 1 ns, got 0; to send each record alone"),
    ],
)
def test_a_buffer_that_could_never_flush_is_refused(batch_size: int, timeout_ns: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Buffer(batch_size, timeout_ns)
