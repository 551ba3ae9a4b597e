"""Coalescing: every batch in one group, in order, and no group larger than it may be."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from system.broker.batch import Batch
from system.broker.grouping import groups

SIZES = st.lists(st.integers(0, 40), max_size=30)


def batches(sizes: list[int]) -> list[Batch]:
    return [Batch(b"t\0%d" % at, None, b"x" * size, False, 0) for at, size in enumerate(sizes)]


@given(sizes=SIZES, most=st.integers(1, 8), most_bytes=st.integers(1, 100))
def test_all_batches_in_order_and_no_group_past_its_bounds(sizes: list[int], most: int, most_bytes: int) -> None:
    given_batches = batches(sizes)
    found = list(groups(given_batches, most, most_bytes))
    assert [one for group in found for one in group] == given_batches
    for group in found:
        assert 1 <= len(group) <= most
        assert len(group) == 1 or sum(len(one.packed) for one in group) <= most_bytes


@given(sizes=SIZES, most=st.integers(1, 8), most_bytes=st.integers(1, 100))
def test_no_group_could_have_taken_the_next_batch(sizes: list[int], most: int, most_bytes: int) -> None:
    found = list(groups(batches(sizes), most, most_bytes))
    for group, following in pairwise(found):
        weight = sum(len(one.packed) for one in (*group, following[0]))
        assert len(group) == most or weight > most_bytes
