"""Exact quantiles of values that come in pieces, and which batch each record of a piece is in."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.model.owners import owned
from loadgen.model.ranks import Ranks

VALUES = st.lists(st.integers(-(2**50), 2**50) | st.integers(-3000, 3000), min_size=1, max_size=40)


def ranked(pieces: list[np.ndarray], *ranks: int, second: list[np.ndarray] | None = None) -> list[int]:
    found = Ranks()
    for one in pieces:
        found.count(one)
    found.want(*ranks)
    for one in second or pieces:
        found.pick(one)
    return [found.at(rank) for rank in ranks]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(VALUES, st.integers(0, 40))
def test_every_rank_is_that_of_the_sorted_values_wherever_they_are_cut(values: list[int], cut: int) -> None:
    whole = np.array(values, np.int64)
    assert ranked([whole[:cut], whole[cut:]], *range(1, len(values) + 1)) == sorted(values)


def test_a_rank_is_exact_where_its_bucket_holds_many_values() -> None:
    """The plant: a histogram of three digits tells 100,000,000 give or take 0.1 %, here each value is another."""
    values = np.random.Generator(np.random.Philox(key=3)).permutation(np.arange(100_000_000, 100_300_000))
    expected = np.sort(values)
    assert ranked(np.array_split(values, 7), 1, 150_000, 300_000) == [int(expected[i]) for i in (0, 149_999, 299_999)]
    rounded = Ranks()
    rounded.count(values)
    assert len(rounded.buckets()) < 10


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 9)), min_size=1, max_size=30))
def test_records_and_sums_are_those_of_the_values_written_out(pairs: list[tuple[int, int]]) -> None:
    values, records = (np.array(one, np.int64) for one in zip(*pairs, strict=True))
    out = np.repeat(values, records)
    found = Ranks()
    found.count(values, records)
    assert (found.total, found.sum) == (len(out), out.sum())
    assert found.max == (int(out.max()) if len(out) else None)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_beyond_an_int64_is_exact(sign: int) -> None:
    """A quarter of an hour of overload: 400,000 batches of 1,000 records that waited 30 s; by int64 the mean was -16 s."""
    values, found = np.full(400_000, sign * 30_000_000_001), Ranks()
    found.count(values, np.full(len(values), 1000))
    assert found.sum == sign * 30_000_000_001 * 1000 * 400_000


def test_a_piece_without_a_wanted_value_leaves_nothing_behind() -> None:
    found = Ranks()
    found.count(np.arange(1000))
    found.want(1)
    tracemalloc.start()
    try:
        for _ in range(2_000):
            found.pick(np.array([5, 6, 7]))
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 20_000  # as two empty arrays each they were 240 bytes a piece, 486,000
    found.pick(np.array([0]))
    assert found.at(1) == 0


@pytest.mark.parametrize("value", [0, 1, 1023, 1024, 2047, 2048, 2049, 4095, 10**9, 2**49 + 12345])
def test_a_buckets_smallest_value_lies_in_it_and_is_at_most_a_thousandth_below(value: int) -> None:
    one = Ranks()
    one.count(np.array([value], np.int64))
    ((least, records),) = one.buckets()
    assert records == 1
    assert value * (1 - 1e-3) <= least <= value
    assert least == value or value >= 2048
    one.count(np.array([least], np.int64))
    assert len(one.buckets()) == 1


@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_each_record_has_its_batch_wherever_the_pieces_end_and_gaps_have_none(size: int) -> None:
    times = np.arange(100, 120)
    first, count = np.array([2, 5, 11]), np.array([3, 4, 6])  # records 0, 1, 9, 10, 17, 18 and 19 are in none
    pieces = [times[at : at + size] for at in range(0, len(times), size)]
    pairs = [
        pair for at, owner in owned(pieces, first, count) for pair in zip(at.tolist(), owner.tolist(), strict=True)
    ]
    batches = enumerate(zip(first.tolist(), count.tolist(), strict=True))
    assert pairs == [(100 + record, place) for place, (begin, n) in batches for record in range(begin, begin + n)]


def test_batches_that_have_a_record_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        list(owned([np.arange(10)], np.array([0, 2]), np.array([4, 4])))
