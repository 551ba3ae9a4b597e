"""Weighted quantiles against the plain definition: every record written out, sorted, counted."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments.metrics.quantiles import LEAST, Quantiles, quantiles

EXACT = {"p50": Fraction(1, 2), "p90": Fraction(9, 10), "p99": Fraction(99, 100), "p999": Fraction(999, 1000)}


def of(*pairs: tuple[int, int]) -> Quantiles:
    """Of pairs (value in ns, records)."""
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return quantiles(columns[:, 0], columns[:, 1])


def plain(pairs: list[tuple[int, int]], share: Fraction) -> int:
    """The smallest value at or below which at least this share of all records lies."""
    every = sorted(value for value, records in pairs for _ in range(records))
    return every[math.ceil(share * len(every)) - 1]


def test_nothing_has_no_quantiles() -> None:
    nothing = Quantiles(p50=None, p90=None, p99=None, p999=None, max=None, mean=None, count=0)
    assert of() == nothing
    assert of((5, 0), (7, 0)) == nothing


def test_a_single_record_is_its_own_median() -> None:
    found = of((3_000_000_000, 1))
    assert (found.p50, found.p90, found.max, found.mean, found.count) == (3.0, 3.0, 3.0, 3.0, 1)


def test_a_quantile_is_a_value_that_was_observed_never_one_between() -> None:
    assert of((1_000_000_000, 1), (2_000_000_000, 1)).p50 == 1.0
    assert of((1_000_000_000, 1), (2_000_000_000, 2)).p50 == 2.0


def test_a_heavy_batch_counts_by_its_records() -> None:
    found = of((1_000_000_000, 1), (9_000_000_000, 9))
    assert (found.p50, found.mean) == (9.0, pytest.approx(8.2))


def test_a_value_that_stands_for_no_record_is_neither_quantile_nor_maximum() -> None:
    found = of((1, 0), (2_000_000_000, 5), (9_000_000_000, 0))
    assert (found.p50, found.max, found.count) == (2.0, 2.0, 5)


def test_the_order_of_the_values_does_not_matter() -> None:
    pairs = [(7, 2), (1, 5), (3, 1), (7, 4)]
    assert of(*pairs) == of(*reversed(pairs))


@pytest.mark.parametrize("name", ["p99", "p999"])
def test_a_far_quantile_is_given_from_its_least_sample_on(name: str) -> None:
    least = {"p99": 2_000, "p999": 20_000}[name]
    assert LEAST[name] == least
    assert getattr(of((5, least - 1)), name) is None
    assert getattr(of((5, least)), name) == 5e-9


def test_the_nearer_quantiles_are_given_of_any_sample() -> None:
    found = of((5, 1))
    assert (found.p50, found.p90) == (5e-9, 5e-9)


def test_ten_thousand_million_records_are_counted_exactly() -> None:
    billion = 10**9
    found = of((1_000, 9 * billion), (2_000, billion - 10**7), (3_000, 10**7))
    assert (found.p50, found.p90, found.p99, found.p999) == (1e-6, 1e-6, 2e-6, 2e-6)
    # The share is met exactly at the last record of the first value; with one record fewer it isn't.
    assert of((1_000, 9 * billion - 1), (2_000, billion + 1)).p90 == 2e-6


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 40)), max_size=30), st.sampled_from([1, 10, 1000]))
@example([(value, 1) for value in range(20)], 1000)
def test_every_quantile_is_that_of_the_records_written_out(pairs: list[tuple[int, int]], times: int) -> None:
    pairs = [(value, records * times) for value, records in pairs]
    found = of(*pairs)
    total = sum(records for _, records in pairs)
    assert found.count == total
    if not total:
        return
    for name, share in EXACT.items():
        expected = None if total < LEAST.get(name, 1) else plain(pairs, share) / 1e9
        assert getattr(found, name) == expected, name
    assert found.max == max(value for value, records in pairs if records) / 1e9
    assert found.mean == pytest.approx(sum(value * records for value, records in pairs) / total / 1e9)
