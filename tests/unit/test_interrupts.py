"""What interrupts does what is wanted for a while, and afterwards what it did before."""

import signal
from collections.abc import Iterator

import pytest

from experiments import interrupts


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Whoever began these tests may ignore them."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_they_are_handled_for_a_while() -> None:
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in interrupts.numbers()}
    with interrupts.handled(lambda number, _frame: came.append(number)):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert came == [signal.SIGTERM, signal.SIGINT]
    assert {number: signal.getsignal(number) for number in interrupts.numbers()} == before


def test_what_is_ignored_stays_ignored() -> None:
    """A shell without job control ignores SIGINT for what it puts into the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.leaving():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
