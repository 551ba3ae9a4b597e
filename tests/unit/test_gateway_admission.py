"""Bytes in flight against the limit."""

from system.gateway.admission import Admission
from system.settings import Limits


def admission() -> Admission:
    return Admission(Limits(inflight_bytes=1000))


def test_batches_and_unfinished_messages_count_together() -> None:
    one = admission()
    one.take(600, 400)
    assert not one.full
    one.take(0, 1)
    assert one.full
    assert one.peak_bytes == 1001


def test_reading_goes_on_at_half_the_limit() -> None:
    one = admission()
    one.take(1001, 0)
    one.release(500)
    assert not one.may_resume
    one.release(1)
    assert one.may_resume


def test_reading_goes_on_when_only_unfinished_messages_are_left() -> None:
    one = admission()
    one.take(500, 900)
    assert not one.may_resume
    one.release(500)
    assert one.may_resume
