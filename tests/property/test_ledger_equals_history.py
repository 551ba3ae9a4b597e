"""The ledger equals what happened: random histories of agents, gateway and workers, told record by record.

The history notes of each single record what became of it; the ledger sees only the tables that swarm and recorder
would have written of it, and must come to the same numbers.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from experiments.metrics.ledger import Ledger, ledger
from tests.made import batch, batches, dead, left, result, results

thorough = settings(max_examples=250, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)

#: What can become of the pieces of a batch that the gateway accepted. A worker may end it more than once; a crash may
#: leave its message or its journal entry although it was ended; and it may vanish.
ENDS = {
    "analysed": ("row",),
    "analysed twice": ("row", "row"),
    "analysed three times": ("row", "row", "row"),
    "given up": ("dead",),
    "given up by one, analysed by another": ("dead", "row"),
    "waiting": ("left",),
    "analysed and queued again": ("row", "left"),
    "given up and queued again": ("dead", "left"),
    "vanished": (),
}


class Truth:
    """What is known of each record, by (agent, number)."""

    def __init__(self) -> None:
        self.notes: dict[tuple[int, int], Counter[str]] = {}
        self.foreign = 0

    def note(self, agent: int, first: int, count: int, *words: str) -> None:
        for number in range(first, first + count):
            self.notes.setdefault((agent, number), Counter()).update(words)

    def count(self, wanted: Callable[[Counter[str]], Any]) -> int:
        return sum(bool(wanted(notes)) for notes in self.notes.values())

    def account(self, repeats: int) -> Ledger:
        """Each line as DESIGN's words define it, one record at a time."""
        acked, sent = (lambda n: n["acked"]), (lambda n: n["sent"])
        return Ledger(
            planned=self.count(lambda n: n["cut"]),
            overflowed=self.count(lambda n: n["overflowed"]),
            unsent=self.count(lambda n: n["cut"] and not n["overflowed"] and not n["sent"]),
            sent=self.count(sent),
            acknowledged=self.count(acked),
            unanswered=self.count(lambda n: n["sent"] and not n["acked"]),
            analysed=self.count(lambda n: n["acked"] and n["row"]),
            dead=self.count(lambda n: n["acked"] and n["dead"] and not n["row"]),
            in_queue=self.count(lambda n: n["acked"] and n["left"] and not n["row"] and not n["dead"]),
            lost=self.count(lambda n: n["acked"] and not n["left"] and not n["row"] and not n["dead"]),
            recovered=self.count(lambda n: n["sent"] and not n["acked"] and n["row"]),
            indeterminate=self.count(lambda n: n["sent"] and not n["acked"] and not n["row"]),
            unexpected=self.count(lambda n: (n["row"] or n["dead"]) and not n["sent"]) + self.foreign,
            duplicate_results=sum(max(0, notes["row"] - 1) for notes in self.notes.values()),
            repeat_executions=repeats,
        )


class History(NamedTuple):
    """What a trial's files would hold, and the truth."""

    batches: list[dict[str, Any]]
    results: list[dict[str, Any]]
    left: list[tuple[int, int, int]]
    repeats: int
    truth: Truth


@st.composite
def histories(draw: st.DrawFn) -> History:
    found = History([], [], [], draw(st.integers(0, 5)), Truth())
    for agent in draw(st.sets(st.sampled_from([0, 1, 2, 4_194_303]), max_size=3)):
        number = draw(st.sampled_from([0, 1, 2**40 - 200]))
        for count in draw(st.lists(st.integers(1, 9), max_size=8)):
            one_batch(draw, found, agent, number, count)
            number += count
        if draw(st.booleans()):  # a row for numbers that this agent never gave to a batch
            end(found, agent, number + draw(st.integers(0, 2)), draw(st.integers(1, 4)), ("row",))
    for records in draw(st.lists(st.integers(0, 20), max_size=2)):
        found.results.append(result(0, -3, 0, own=False, records=records))
        found.truth.foreign += records
    order = draw(st.randoms(use_true_random=False))
    order.shuffle(found.batches)
    order.shuffle(found.results)
    return found


def one_batch(draw: st.DrawFn, found: History, agent: int, first: int, count: int) -> None:
    """The agent cuts a batch; then agent, network, gateway and workers do with it what they may."""
    found.truth.note(agent, first, count, "cut")
    fate = draw(st.sampled_from(["overflowed", "unsent", "vanished on the way", "unanswered", *["acked"] * 4]))
    if fate == "overflowed":
        found.batches.append(batch(agent, first, count, sent=0, acked=0, overflowed=True))
        found.truth.note(agent, first, count, "overflowed")
        return
    if fate == "unsent":
        found.batches.append(batch(agent, first, count, sent=0, acked=0))
        return
    acked = fate == "acked"
    found.batches.append(batch(agent, first, count, acked=3 if acked else 0, resent=draw(st.booleans())))
    found.truth.note(agent, first, count, "sent", *(["acked"] if acked else []))
    if fate == "vanished on the way":
        return
    # A batch that a worker couldn't analyse whole is split; each piece then has an end of its own.
    cuts = sorted(draw(st.sets(st.integers(1, count - 1), max_size=2))) if count > 1 else []
    for begin, stop in zip([0, *cuts], [*cuts, count], strict=True):
        end(found, agent, first + begin, stop - begin, ENDS[draw(st.sampled_from(sorted(ENDS)))])


def end(found: History, agent: int, first: int, count: int, ends: tuple[str, ...]) -> None:
    for one in ends:
        if one == "row":
            found.results.append(result(agent, first, count))
        elif one == "dead":
            found.results.append(dead(agent, first, count))
        else:
            found.left.append((agent, first, count))
        found.truth.note(agent, first, count, one)


def seen(history: History) -> Ledger:
    """The ledger of the tables; planned is told by the schedule, which is apart from them."""
    return ledger(
        batches(*history.batches),
        results(*history.results),
        planned=history.truth.count(lambda notes: notes["cut"]),
        left=left(*history.left),
        repeat_executions=history.repeats,
    )


@thorough
@given(histories())
def test_the_ledger_tells_what_happened_to_every_record(history: History) -> None:
    found = seen(history)
    assert found == history.truth.account(history.repeats)
    assert found.closes() == []


def without(table: str) -> Callable[[History], History]:
    """The same history, of which one row wasn't written."""
    return lambda history: history._replace(**{table: getattr(history, table)[1:]})


@pytest.mark.parametrize("table", ["batches", "results", "left"])
def test_the_check_catches_a_row_that_was_not_written(table: str) -> None:
    @settings(thorough, phases=[Phase.generate])
    @given(histories())
    def holds(history: History) -> None:
        assert seen(without(table)(history)) == history.truth.account(history.repeats)

    with pytest.raises(AssertionError):
        holds()
