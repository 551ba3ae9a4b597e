"""What interrupts does what is wanted for a while, and afterwards what it did before."""

import signal

from experiments import interrupts


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
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.leaving():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
