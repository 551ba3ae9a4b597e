"""The ledger on hand-made tables: every line by itself, then each kind of damage in the line it belongs to."""

from typing import Any

import msgspec
import numpy as np
import pytest

from experiments.metrics.ledger import Ledger, ledger
from tests.made import batch, batches, dead, left, result, results

LINES = tuple(Ledger.__struct_fields__)


def account(
    cut: np.ndarray,
    rows: np.ndarray,
    *,
    planned: int | None = None,
    waiting: np.ndarray | None = None,
    repeats: int = 0,
) -> Ledger:
    """The ledger; unless told otherwise, planned is what the swarm's table holds."""
    return ledger(
        cut,
        rows,
        planned=int(cut["count"].sum()) if planned is None else planned,
        left=left() if waiting is None else waiting,
        repeat_executions=repeats,
    )


def lines(found: Ledger) -> dict[str, int]:
    """The lines that aren't 0."""
    return {name: value for name in LINES if (value := getattr(found, name))}


def test_a_trial_without_a_record_is_an_account_of_zeros_that_closes() -> None:
    found = account(batches(), results())
    assert lines(found) == {}
    assert found.closes() == []


def test_what_was_sent_acknowledged_and_analysed() -> None:
    found = account(batches(batch(0, 0, 10), batch(1, 0, 5)), results(result(0, 0, 10), result(1, 0, 5)))
    assert lines(found) == {"planned": 15, "sent": 15, "acknowledged": 15, "analysed": 15}
    assert found.closes() == []


def test_the_same_record_numbers_of_two_agents_are_different_records() -> None:
    found = account(batches(batch(0, 0, 10), batch(1, 0, 10)), results(result(0, 0, 10)))
    assert (found.analysed, found.lost) == (10, 10)


@pytest.mark.parametrize(
    ("row", "rows", "waiting", "expected"),
    [
        pytest.param(batch(0, 0, 10, sent=0, acked=0, overflowed=True), (), (), {"overflowed": 10}, id="overflowed"),
        pytest.param(batch(0, 0, 10, sent=0, acked=0), (), (), {"unsent": 10}, id="unsent"),
        pytest.param(
            batch(0, 0, 10, acked=0),
            (),
            (),
            {"sent": 10, "unanswered": 10, "indeterminate": 10},
            id="sent, never answered, never seen again",
        ),
        pytest.param(
            batch(0, 0, 10, acked=0),
            (result(0, 0, 10),),
            (),
            {"sent": 10, "unanswered": 10, "recovered": 10},
            id="sent, never answered, and analysed",
        ),
        pytest.param(
            batch(0, 0, 10, acked=0),
            (dead(0, 0, 10),),
            (),
            {"sent": 10, "unanswered": 10, "indeterminate": 10},
            id="sent, never answered, given up",
        ),
        pytest.param(
            batch(0, 0, 10, acked=0),
            (),
            ((0, 0, 10),),
            {"sent": 10, "unanswered": 10, "indeterminate": 10},
            id="sent, never answered, still waiting",
        ),
        pytest.param(
            batch(0, 0, 10),
            (),
            (),
            {"sent": 10, "acknowledged": 10, "lost": 10},
            id="acknowledged and never seen again",
        ),
        pytest.param(
            batch(0, 0, 10), (dead(0, 0, 10),), (), {"sent": 10, "acknowledged": 10, "dead": 10}, id="given up"
        ),
        pytest.param(
            batch(0, 0, 10), (), ((0, 0, 10),), {"sent": 10, "acknowledged": 10, "in_queue": 10}, id="still waiting"
        ),
    ],
)
def test_each_line_by_itself(
    row: dict[str, Any], rows: tuple[dict[str, Any], ...], waiting: tuple[Any, ...], expected: dict[str, int]
) -> None:
    found = account(batches(row), results(*rows), waiting=left(*waiting))
    assert lines(found) == {"planned": 10, **expected}
    assert found.closes() == []


def test_analysed_wins_over_dead_and_over_waiting() -> None:
    found = account(batches(batch(0, 0, 10)), results(dead(0, 0, 10), result(0, 0, 10)), waiting=left((0, 0, 10)))
    assert lines(found) == {"planned": 10, "sent": 10, "acknowledged": 10, "analysed": 10}


def test_dead_wins_over_waiting() -> None:
    found = account(batches(batch(0, 0, 10)), results(dead(0, 0, 10)), waiting=left((0, 0, 10)))
    assert lines(found) == {"planned": 10, "sent": 10, "acknowledged": 10, "dead": 10}


def test_a_batch_that_ended_in_pieces_is_split_record_by_record() -> None:
    found = account(
        batches(batch(0, 0, 100)),
        results(result(0, 0, 40), dead(0, 30, 20), result(0, 60, 10)),
        waiting=left((0, 45, 10), (0, 90, 5)),
    )
    # analysed 0-40 and 60-70; dead 40-50; waiting 50-55 and 90-95; nothing known of 55-60, 70-90 and 95-100.
    assert (found.analysed, found.dead, found.in_queue, found.lost) == (50, 10, 10, 30)
    assert found.closes() == []


def test_a_row_that_reaches_beyond_what_was_sent_is_unexpected_in_that_part() -> None:
    found = account(batches(batch(0, 10, 10)), results(result(0, 5, 20)))
    assert (found.analysed, found.unexpected) == (10, 10)


def test_a_row_for_a_batch_that_was_cut_but_never_sent_is_unexpected() -> None:
    found = account(batches(batch(0, 0, 10, sent=0, acked=0)), results(result(0, 0, 10)))
    assert (found.unsent, found.analysed, found.unexpected) == (10, 0, 10)


def test_a_batch_given_up_that_was_never_sent_is_unexpected_too() -> None:
    found = account(batches(batch(0, 0, 10)), results(result(0, 0, 10), dead(0, 50, 7)))
    assert (found.dead, found.unexpected) == (0, 7)


def test_rows_of_another_swarm_count_by_the_records_that_were_found_in_them() -> None:
    foreign = result(0, -77, 0, own=False, records=12)
    same_numbers = result(0, 0, 10, own=False, records=10)
    found = account(batches(batch(0, 0, 10)), results(result(0, 0, 10), foreign, same_numbers))
    assert (found.analysed, found.unexpected, found.duplicate_results) == (10, 22, 0)


def test_a_record_with_a_second_and_a_third_row_counts_twice_as_duplicate() -> None:
    rows = results(result(0, 0, 10), result(0, 0, 10), result(0, 5, 10), result(0, 10, 5))
    found = account(batches(batch(0, 0, 15)), rows)
    assert (found.analysed, found.duplicate_results) == (15, 10 + 5 + 5)


def test_repeat_executions_are_the_systems_own_count() -> None:
    assert account(batches(), results(), repeats=7).repeat_executions == 7


def test_the_greatest_numbers_are_counted_exactly() -> None:
    most = 2**40 - 1
    found = account(
        batches(batch(2**22 - 1, 0, most), batch(2**22 - 2, most, 1), batch(0, 2**39, 2**39)),
        results(result(2**22 - 1, 0, most - 1), result(0, 2**39, 2**39)),
    )
    assert found.sent == most + 1 + 2**39
    assert found.lost == 2
    assert found.closes() == []


# Damage. A whole and consistent trial first; then one thing at a time is wrong with its tables.

WHOLE = [batch(agent, first, 10) for agent in range(3) for first in range(0, 100, 10)]
ROWS = [result(row["agent"], row["first"], row["count"]) for row in WHOLE]
PLANNED = 300


def test_the_whole_trial_that_is_damaged_below_is_itself_sound() -> None:
    found = account(batches(*WHOLE), results(*ROWS), planned=PLANNED)
    assert lines(found) == {"planned": 300, "sent": 300, "acknowledged": 300, "analysed": 300}
    assert found.closes() == []


@pytest.mark.parametrize("gone", [0, 13, 29])
def test_a_result_row_that_is_gone_is_lost_by_exactly_its_records(gone: int) -> None:
    found = account(batches(*WHOLE), results(*ROWS[:gone], *ROWS[gone + 1 :]), planned=PLANNED)
    assert (found.lost, found.analysed) == (10, 290)


def test_a_result_row_twice_is_a_duplicate_and_nothing_else() -> None:
    found = account(batches(*WHOLE), results(*ROWS, ROWS[7]), planned=PLANNED)
    assert lines(found) == {
        "planned": 300, "sent": 300, "acknowledged": 300, "analysed": 300, "duplicate_results": 10,
    }  # fmt: skip


def test_a_result_row_under_another_number_is_lost_there_and_shows_where_it_went() -> None:
    elsewhere = account(batches(*WHOLE), results(*ROWS[1:], result(0, 500, 10)), planned=PLANNED)
    assert (elsewhere.lost, elsewhere.unexpected) == (10, 10)
    upon_another = account(batches(*WHOLE), results(*ROWS[1:], result(1, 0, 10)), planned=PLANNED)
    assert (upon_another.lost, upon_another.duplicate_results) == (10, 10)


def test_a_result_row_that_says_too_few_records_is_lost_by_the_rest() -> None:
    assert account(batches(*WHOLE), results(*ROWS[1:], result(0, 0, 9)), planned=PLANNED).lost == 1


def test_a_batch_that_the_swarm_forgot_to_log_does_not_close_and_leaves_its_row_unexpected() -> None:
    found = account(batches(*WHOLE[1:]), results(*ROWS), planned=PLANNED)
    assert found.closes() == ["planned = overflowed + unsent + sent doesn't hold: 300 and 290"]
    assert found.unexpected == 10


def test_a_batch_logged_with_another_count_does_not_close() -> None:
    found = account(batches(*WHOLE[1:], batch(0, 0, 9)), results(*ROWS), planned=PLANNED)
    assert found.closes() == ["planned = overflowed + unsent + sent doesn't hold: 300 and 299"]


def test_batches_that_overlap_in_the_log_do_not_close() -> None:
    overlapping = batch(0, 5, 10)
    found = account(batches(overlapping, *[row for row in WHOLE if row["first"] != 10 or row["agent"]]), results(*ROWS))
    assert found.closes() == ["planned = overflowed + unsent + sent doesn't hold: 300 and 295"]


def test_a_batch_logged_as_sent_and_as_overflowed_does_not_close() -> None:
    found = account(batches(*WHOLE, batch(0, 0, 10, sent=0, acked=0, overflowed=True)), results(*ROWS), planned=PLANNED)
    assert found.closes() == ["planned = overflowed + unsent + sent doesn't hold: 300 and 310"]


def test_a_batch_acknowledged_though_never_sent_does_not_close() -> None:
    found = account(batches(*WHOLE[1:], batch(0, 0, 10, sent=0)), results(*ROWS), planned=PLANNED)
    assert found.closes() == ["sent = acknowledged + unanswered doesn't hold: 290 and 300"]


def test_a_schedule_that_planned_more_does_not_close() -> None:
    found = account(batches(*WHOLE), results(*ROWS), planned=PLANNED + 1)
    assert found.closes() == ["planned = overflowed + unsent + sent doesn't hold: 301 and 300"]


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("planned", "planned = "),
        ("overflowed", "planned = "),
        ("unsent", "planned = "),
        ("unanswered", "sent = "),
        ("analysed", "acknowledged = "),
        ("dead", "acknowledged = "),
        ("in_queue", "acknowledged = "),
        ("lost", "acknowledged = "),
        ("recovered", "unanswered = "),
        ("indeterminate", "unanswered = "),
    ],
)
def test_a_line_that_is_wrong_by_one_record_breaks_its_equation(line: str, broken: str) -> None:
    found = account(batches(*WHOLE), results(*ROWS), planned=PLANNED)
    damaged = msgspec.structs.replace(found, **{line: getattr(found, line) + 1})
    assert any(reason.startswith(f"{broken}") for reason in damaged.closes())
