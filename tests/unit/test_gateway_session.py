"""The protocol of one connection without its socket: envelopes, refusals, and the deadline of the message under way."""

import msgpack

from system.gateway.session import Session
from system.wire.messages import Refusal

SECOND_NS = 10**9
MESSAGE = msgpack.packb(["app", b"x" * 100, {"chunk": "id"}])


def session() -> Session:
    return Session(frame_bytes=1000, frame_deadline_s=10)


def test_messages_before_a_refused_one_are_given_and_nothing_after_it() -> None:
    one = session()
    assert len(one.receive(MESSAGE + b"HTTP" + MESSAGE, 0)) == 1
    assert one.refusal is Refusal.NOT_AN_ARRAY
    assert one.receive(MESSAGE, 0) == []


def test_a_connection_between_messages_is_never_overdue() -> None:
    one = session()
    one.receive(b"", 0)
    one.receive(MESSAGE, 0)
    one.receive(b"\xc0", 0)
    assert one.deadline.is_idle
    assert not one.deadline.is_overdue(10**6 * SECOND_NS)


def test_the_deadline_counts_from_the_first_byte_and_no_later_byte_moves_it() -> None:
    one = session()
    for second in range(10):
        one.receive(MESSAGE[second : second + 1], second * SECOND_NS)
    assert not one.deadline.is_overdue(10 * SECOND_NS)
    assert one.deadline.is_overdue(10 * SECOND_NS + 1)


def test_each_message_has_a_deadline_of_its_own() -> None:
    one = session()
    one.receive(MESSAGE[:5], 0)
    one.receive(MESSAGE[5:] + MESSAGE[:5], 9 * SECOND_NS)
    assert not one.deadline.is_overdue(19 * SECOND_NS)
    assert one.deadline.is_overdue(19 * SECOND_NS + 1)


def test_a_heartbeat_within_a_read_ends_no_message_but_its_own() -> None:
    one = session()
    one.receive(b"\xc0" + MESSAGE[:5], 0)
    one.receive(b"", 9 * SECOND_NS)
    assert one.deadline.is_overdue(10 * SECOND_NS + 1)


def test_the_clock_stands_still_while_the_gateway_does_not_read() -> None:
    one = session()
    one.receive(MESSAGE[:5], 0)
    one.deadline.hold(4 * SECOND_NS)
    assert not one.deadline.is_overdue(100 * SECOND_NS)
    one.deadline.unhold(100 * SECOND_NS)
    assert not one.deadline.is_overdue(106 * SECOND_NS)
    assert one.deadline.is_overdue(106 * SECOND_NS + 1)


def test_a_forgotten_message_holds_no_bytes_and_no_deadline() -> None:
    one = session()
    one.receive(MESSAGE[:50], 0)
    assert one.partial_bytes > 30
    one.forget()
    assert one.partial_bytes == 0
    assert not one.deadline.is_overdue(10**6 * SECOND_NS)
