"""Truth: counts of hand-made cases, and equality with a record-by-record count on random ones."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.model.records import Labels
from loadgen.model.truth import Batches, Found, Judgement, expected, judge, offset, starts, stride

NAMES = ("a.one", "a.two", "a.three")


def ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def labels_of(pairs: list[tuple[int, int]], judged: tuple[bool, ...] = (True, True, True)) -> Labels:
    pairs = sorted(set(pairs))
    record, signature = ints(*(pair[0] for pair in pairs)), ints(*(pair[1] for pair in pairs))
    return Labels(record, signature, NAMES, np.array(judged, dtype=np.bool_))


def batches_of(*rows: tuple[int, int, int]) -> Batches:
    return Batches(*(ints(*column) for column in (zip(*rows, strict=True) if rows else ((), (), ()))))


def found_of(*pairs: tuple[int, int, int]) -> Found:
    return Found(*(ints(*column) for column in (zip(*pairs, strict=True) if pairs else ((), (), ()))))


def truth_of(pairs: list[tuple[int, int]], size: int, batches: Batches) -> list[tuple[int, int, int]]:
    """Every detection that a perfect system makes, record by record."""
    detections = []
    for row, (agent, first, count) in enumerate(
        zip(batches.agent.tolist(), batches.first.tolist(), batches.count.tolist(), strict=True)
    ):
        for record in range(count):
            place = (offset(agent, size) + first + record) % size
            detections += [(row, record, signature) for at, signature in sorted(set(pairs)) if at == place]
    return detections


# A ring of 10 records; the golden section of 10 is 6.18, so the stride is 7 (odd, and prime to 10).
PLANTED = [(0, 1), (3, 0), (3, 2), (9, 1)]


def test_the_stride_is_odd_golden_and_prime_to_the_size() -> None:
    assert (stride(10), stride(16_384), stride(1)) == (7, 10_155, 1)
    for size in range(1, 400):
        assert stride(size) % 2 == 1
        assert math.gcd(stride(size), size) == 1


def test_as_many_agents_as_the_ring_has_records_start_at_different_ones() -> None:
    assert {offset(agent, 1000) for agent in range(1000)} == set(range(1000))


def test_a_few_agents_are_spread_over_the_whole_ring() -> None:
    for size in (1000, 10_000, 16_384, 20_000, 65_536):
        for agents in (2, 5, 13, 50, 144, 500, 1000):
            begins = sorted(offset(agent, size) for agent in range(agents))
            gaps = np.diff([*begins, begins[0] + size])
            # Evenly spread they would be size / agents apart; by the golden section no gap is much above twice that.
            assert gaps.max() < 2.25 * size / agents, (size, agents)


def test_a_ring_without_records_has_no_stride() -> None:
    with pytest.raises(ValueError, match="ring_size must be >= 1 record, got 0"):
        stride(0)


def test_starts_of_many_batches_are_those_of_each_one() -> None:
    batches = batches_of((0, 0, 1), (1, 0, 1), (1, 5, 1), (4_294_967_295, 2**62, 1))
    one_by_one = [(offset(a, 10) + f) % 10 for a, f in ((0, 0), (1, 0), (1, 5), (4_294_967_295, 2**62))]
    assert starts(batches, 10).tolist() == one_by_one
    assert starts(batches, 10).tolist()[:3] == [0, 7, 2]


def test_labels_are_counted_in_batches_that_lie_wrap_and_go_round_the_ring() -> None:
    batches = batches_of(
        (0, 0, 3),  # ring records 0 1 2
        (0, 1, 3),  # 1 2 3
        (0, 8, 3),  # 8 9 0
        (1, 0, 4),  # agent 1 starts at 7: 7 8 9 0
        (0, 0, 10),  # the ring
        (0, 3, 21),  # twice the ring, and record 3 once more
        (0, 9, 0),  # none
    )
    assert expected(labels_of(PLANTED), 10, batches).tolist() == [1, 2, 2, 2, 4, 10, 0]


def test_no_batches_give_no_counts() -> None:
    judgement = judge(labels_of(PLANTED), 10, batches_of(), found_of())
    assert judgement.totals() == {"planted": 0, "found": 0, "missed": 0, "spurious": 0, "unjudged": 0}


BATCHES = batches_of((0, 0, 5), (1, 0, 8), (2, 7, 25))
PERFECT = truth_of(PLANTED, 10, BATCHES)


def judged(found: list[tuple[int, int, int]]) -> Judgement:
    return judge(labels_of(PLANTED), 10, BATCHES, found_of(*found))


def test_a_perfect_system_misses_nothing_and_invents_nothing() -> None:
    total = judged(PERFECT).totals()
    # By hand: records 0 to 4 hold 3 labels; 7 8 9 0 1 2 3 4 hold 4; agent 2 starts at 4, its record 7 at 1, and from
    # there two rounds hold 4 each, and 1 2 3 4 5 hold 2.
    assert total == {"planted": 17, "found": 17, "missed": 0, "spurious": 0, "unjudged": 0}
    assert judged(PERFECT).planted.tolist() == [3, 4, 10]


def test_the_order_of_the_detections_does_not_matter() -> None:
    assert judged(PERFECT[::-1]).totals() == judged(PERFECT).totals()


@pytest.mark.parametrize("place", range(len(PERFECT)))
def test_each_detection_that_is_taken_away_is_missed_in_its_batch(place: int) -> None:
    judgement = judged(PERFECT[:place] + PERFECT[place + 1 :])
    assert judgement.totals() == {"planted": 17, "found": 16, "missed": 1, "spurious": 0, "unjudged": 0}
    assert judgement.missed[PERFECT[place][0]] == 1


@pytest.mark.parametrize(
    "place", [at for at, (row, n, name) in enumerate(PERFECT) if (row, n + 1, name) not in PERFECT]
)
def test_each_detection_that_is_moved_to_a_bare_neighbour_is_missed_and_spurious(place: int) -> None:
    row, record, signature = PERFECT[place]
    moved = (row, record + 1, signature)
    total = judged([*PERFECT[:place], moved, *PERFECT[place + 1 :]]).totals()
    assert (total["missed"], total["spurious"]) == (1, 1)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param((0, 1, 0), id="a record without an attack"),
        pytest.param((0, 3, 1), id="another signature of a record with attacks"),
        pytest.param((0, 0, 1), id="the same detection again"),
        pytest.param((0, 9, 1), id="a record behind the batch's end, though the ring has the label there"),
        pytest.param((0, -1, 1), id="a record before the batch, likewise"),
    ],
)
def test_a_detection_too_many_is_spurious_in_its_batch(extra: tuple[int, int, int]) -> None:
    judgement = judged([*PERFECT, extra])
    assert judgement.totals() == {"planted": 17, "found": 17, "missed": 0, "spurious": 1, "unjudged": 0}
    assert judgement.spurious.tolist() == [1, 0, 0]


def test_the_same_detection_in_two_rows_of_one_batch_is_right_in_both() -> None:
    twice = batches_of((0, 0, 5), (0, 0, 5))
    found = truth_of(PLANTED, 10, twice)
    assert judge(labels_of(PLANTED), 10, twice, found_of(*found)).spurious.tolist() == [0, 0]


def test_detections_of_signatures_without_known_truth_are_neither_right_nor_wrong() -> None:
    labels = labels_of([(0, 1), (9, 1)], judged=(True, True, False))
    total = judge(labels, 10, batches_of((0, 0, 5)), found_of((0, 0, 1), (0, 2, 2), (0, 2, 2))).totals()
    assert total == {"planted": 1, "found": 1, "missed": 0, "spurious": 0, "unjudged": 2}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ((3, 0, 0), "found.row must be 0 to 2, got 3 to 3"),
        ((-1, 0, 0), "found.row must be 0 to 2, got -1 to -1"),
        ((0, 0, 3), "found.signature must be 0 to 2, got 3 to 3"),
    ],
)
def test_detections_of_another_trial_are_refused(found: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judged([found])


def test_labels_of_another_ring_are_refused() -> None:
    with pytest.raises(ValueError, match="labels name ring records 0 to 9, the ring has 9"):
        expected(labels_of(PLANTED), 9, BATCHES)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch's count must be >= 0 records, got -1"):
        expected(labels_of(PLANTED), 10, batches_of((0, 0, -1)))


SIZES = st.integers(1, 12)
PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2)), max_size=15)
ROWS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60), st.integers(0, 30)), max_size=6)
DETECTIONS = st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 33), st.integers(0, 2)), max_size=20)


@settings(deadline=None)  # a busy machine is no failure
@given(SIZES, PAIRS, ROWS, DETECTIONS, st.integers(0, 100))
def test_counts_are_those_of_a_record_by_record_comparison(
    size: int,
    pairs: list[tuple[int, int]],
    rows: list[tuple[int, int, int]],
    noise: list[tuple[int, int, int]],
    kept_percent: int,
) -> None:
    pairs = [(place % size, signature) for place, signature in pairs]
    batches = batches_of(*rows)
    truth = truth_of(pairs, size, batches)
    found = [pair for at, pair in enumerate(truth) if at * 37 % 100 < kept_percent]
    found += [(row, record, signature) for row, record, signature in noise if row < len(rows)]
    right, all_found = Counter(truth), Counter(found)
    judgement = judge(labels_of(pairs), size, batches, found_of(*found))
    for row in range(len(rows)):
        planted = sum(1 for pair in right if pair[0] == row)
        hits = sum(1 for pair in right if pair[0] == row and pair in all_found)
        assert judgement.planted[row] == expected(labels_of(pairs), size, batches)[row] == planted
        assert judgement.found[row] == hits
        assert judgement.missed[row] == planted - hits
        assert judgement.spurious[row] == sum(n for pair, n in all_found.items() if pair[0] == row) - hits
