"""The batching theory against the vectorised batching model, against its limits, and against planted mistakes.

Statistical: fixed seeds, so a test passes always or never. A correct formula fails a comparison at LIMIT = 4.5 standard
errors with a probability of 7 in a million; of the 90 or so made here, one in 1,600 chances in all, taken once, when the
seeds were chosen. Standard errors are over batches, which are independent of one another (a renewal process).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import END_NS, NS_PER_S
from loadgen.model.batching import cut
from loadgen.model.theory import BatchingTheory, ConstantBatching, PoissonBatching

LIMIT = 4.5
RECORDS = 400_000

#: (records/s, BATCH_SIZE, TIMEOUT in s): size wins, timeout wins, both; batches of one and two; hardly any records.
CASES = (
    (1000.0, 10, 0.05),
    (1000.0, 100, 0.05),
    (1000.0, 100, 0.1),
    (1000.0, 1000, 1.0),
    (100.0, 1, 0.5),
    (100.0, 2, 0.005),
    (5.0, 10, 0.5),
    (5.0, 3, 0.5),
    (20.0, 50, 1e6),
    (0.5, 1000, 0.25),
)


class Sample(NamedTuple):
    """Whole batches out of the batching model: their counts, whether size cut them, and each record's wait, s."""

    count: NDArray[np.int64]
    by_size: NDArray[np.bool_]
    wait_s: NDArray[np.float64]


def sample(rate_per_s: float, batch_size: int, timeout_s: float, process: type = Poisson, seed: int = 11) -> Sample:
    arrivals = process(rate_per_s=rate_per_s)
    times = arrivals.draw(seed, 0, round(RECORDS / rate_per_s * NS_PER_S))
    # The last batch is left out: whether the end cuts it is no matter of the theory's.
    flushes = cut(times, batch_size, min(round(timeout_s * NS_PER_S), END_NS), END_NS)
    flushes = flushes.take(np.arange(len(flushes) - 1))
    records = int(flushes.count.sum())
    wait_ns = np.repeat(flushes.time_ns, flushes.count) - times[:records]
    return Sample(flushes.count, flushes.by_size, wait_ns / NS_PER_S)


def errors(found: Sample, theory: BatchingTheory) -> dict[str, float]:
    """By figure: how many standard errors the sample lies from the theory."""
    edges = np.cumsum(found.count) - found.count

    def of_batches(values: NDArray[np.float64], expected: float) -> float:
        return _errors(values - expected)

    def of_records(values: NDArray[np.float64], expected: float) -> float:
        # A mean over records is a ratio of two sums over batches; its residuals have mean 0 if the theory is right.
        return _errors(np.add.reduceat(values, edges) - expected * found.count)

    far = {
        "by_size": of_batches(found.by_size.astype(float), theory.by_size_ratio()),
        "records": of_batches(found.count.astype(float), theory.records_per_batch()),
        "mean wait": of_records(found.wait_s, theory.batch_wait_mean_s()),
        "open": of_batches(found.wait_s[edges], theory.open_s()),
    }
    for share in (0.1, 0.5, 0.9, 0.99):
        at_s = theory.batch_wait_quantile_s(share)
        # To the nanosecond and half a microsecond aside, so that an atom at this very wait falls on one side in both.
        for beside_s in (at_s - 5e-7, at_s + 5e-7):
            above = (found.wait_s > beside_s).astype(float)
            expected = theory.batch_wait_above_ratio(beside_s) if beside_s >= 0 else 1.0
            far[f"above {beside_s:.7f}"] = of_records(above, expected)
    return far


def _errors(residuals: NDArray[np.float64]) -> float:
    spread = float(residuals.std(ddof=1)) / math.sqrt(len(residuals))
    mean = abs(float(residuals.mean()))
    # Where nothing varies (all batches by size), the theory must hit exactly, but for a double's last bits.
    return mean / spread if spread > 1e-12 else (0.0 if mean < 1e-9 else math.inf)


def wrong(found: Sample, theory: BatchingTheory) -> dict[str, float]:
    return {name: far for name, far in errors(found, theory).items() if not far <= LIMIT}


@pytest.mark.parametrize(("rate_per_s", "batch_size", "timeout_s"), CASES)
def test_poisson_batches_are_what_the_closed_form_says(rate_per_s: float, batch_size: int, timeout_s: float) -> None:
    theory = PoissonBatching(rate_per_s=rate_per_s, batch_size=batch_size, timeout_s=timeout_s)
    assert wrong(sample(rate_per_s, batch_size, timeout_s), theory) == {}


@pytest.mark.parametrize(("rate_per_s", "batch_size", "timeout_s"), CASES)
def test_constant_batches_are_exactly_what_the_closed_form_says(
    rate_per_s: float, batch_size: int, timeout_s: float
) -> None:
    theory = ConstantBatching(rate_per_s=rate_per_s, batch_size=batch_size, timeout_s=timeout_s)
    found = sample(rate_per_s, batch_size, timeout_s, Constant)
    assert set(found.count.tolist()) == {theory.records_per_batch()}
    assert set(found.by_size.tolist()) == {bool(theory.by_size_ratio())}
    assert found.wait_s.mean() == pytest.approx(theory.batch_wait_mean_s(), abs=1e-8)
    ordered = np.sort(found.wait_s)
    for share in (0.01, 0.5, 0.9, 0.99, 1.0):
        # Whole batches: the place of a share among all records is that among one batch's.
        place = math.ceil(round(share * theory.records_per_batch(), 6)) * len(found.count) - 1
        assert ordered[place] == pytest.approx(theory.batch_wait_quantile_s(share), abs=1e-8)
        above = float((ordered > ordered[place] + 1e-7).mean())
        assert theory.batch_wait_above_ratio(float(ordered[place]) + 1e-7) == pytest.approx(above)


# Planted mistakes: each is one a person could make, and the comparison finds it.


def fills_one_late(*, rate_per_s: float, batch_size: int, timeout_s: float) -> BatchingTheory:
    """N further records instead of N - 1."""
    return PoissonBatching(rate_per_s=rate_per_s, batch_size=batch_size + 1, timeout_s=timeout_s)


class WithoutTheFirst(PoissonBatching, frozen=True, kw_only=True):
    """The record that opens the batch isn't counted."""

    def records_per_batch(self) -> float:
        return super().records_per_batch() - 1.0


class OverBatches(PoissonBatching, frozen=True, kw_only=True):
    """Half the mean open time: right only if long batches held no more records than short ones."""

    def batch_wait_mean_s(self) -> float:
        return self.open_s() / 2


class WithoutAtoms(PoissonBatching, frozen=True, kw_only=True):
    """A wait that is spread evenly over the time a batch may be open."""

    def batch_wait_above_ratio(self, wait_s: float) -> float:
        return max(0.0, 1.0 - wait_s / self.timeout_s)


class DeadlineFromTheLast(PoissonBatching, frozen=True, kw_only=True):
    """A timeout that each record starts afresh."""

    def by_size_ratio(self) -> float:
        return float((1.0 - math.exp(-self.rate_per_s * self.timeout_s)) ** (self.batch_size - 1))


@pytest.mark.parametrize(
    ("plant", "figure"),
    [
        (fills_one_late, "by_size"),
        (fills_one_late, "records"),
        (fills_one_late, "mean wait"),
        (WithoutTheFirst, "records"),
        (WithoutTheFirst, "mean wait"),
        (OverBatches, "mean wait"),
        (WithoutAtoms, "above"),
        (DeadlineFromTheLast, "by_size"),
    ],
)
def test_a_planted_mistake_is_found(plant: Callable[..., BatchingTheory], figure: str) -> None:
    found = sample(1000.0, 10, 0.01)
    assert wrong(found, PoissonBatching(rate_per_s=1000.0, batch_size=10, timeout_s=0.01)) == {}
    theory = plant(rate_per_s=1000.0, batch_size=10, timeout_s=0.01)
    assert any(name.startswith(figure) for name in wrong(found, theory))


# The limits, which have formulas of their own.

MAKERS: tuple[type, ...] = (PoissonBatching, ConstantBatching)


@pytest.mark.parametrize("make", MAKERS)
def test_without_a_timeout_a_record_waits_half_the_gaps_of_a_batch(make: type) -> None:
    theory = make(rate_per_s=50.0, batch_size=20, timeout_s=1e9)
    assert theory.by_size_ratio() == pytest.approx(1.0)
    assert theory.records_per_batch() == pytest.approx(20.0)
    assert theory.open_s() == pytest.approx(19 / 50.0)
    assert theory.batch_wait_mean_s() == pytest.approx(19 / (2 * 50.0))


def test_without_a_batch_size_the_first_waits_the_timeout_and_others_half_of_it() -> None:
    theory = PoissonBatching(rate_per_s=50.0, batch_size=10**9, timeout_s=0.5)
    assert theory.by_size_ratio() == pytest.approx(0.0)
    assert theory.records_per_batch() == pytest.approx(1 + 25.0)
    assert theory.open_s() == pytest.approx(0.5)
    assert theory.batch_wait_mean_s() == pytest.approx((0.5 + 25.0 * 0.25) / 26)
    assert theory.batch_wait_above_ratio(0.2) == pytest.approx((1 + 50.0 * 0.3) / 26)


def test_a_batch_of_two_is_one_exponential_gap_against_the_timeout() -> None:
    theory = PoissonBatching(rate_per_s=10.0, batch_size=2, timeout_s=0.1)
    full = 1 - math.exp(-1.0)
    assert theory.by_size_ratio() == pytest.approx(full)
    assert theory.records_per_batch() == pytest.approx(1 + full)
    assert theory.open_s() == pytest.approx(full / 10.0)
    # The second of a full batch waits nothing, the first the whole time.
    assert theory.batch_wait_mean_s() == pytest.approx(full / 10.0 / (1 + full))
    assert theory.batch_wait_above_ratio(0.05) == pytest.approx(math.exp(-0.5) / (1 + full))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("rate_per_s", "batch_size", "timeout_s"), CASES)
def test_the_mean_wait_is_the_area_over_the_waits_distribution(
    make: type, rate_per_s: float, batch_size: int, timeout_s: float
) -> None:
    theory = make(rate_per_s=rate_per_s, batch_size=batch_size, timeout_s=timeout_s)
    top_s = theory.batch_wait_quantile_s(1.0 - 1e-12) or timeout_s
    grid = np.linspace(0.0, top_s, 2_001)
    middle = (grid[1:] + grid[:-1]) / 2
    area = sum(theory.batch_wait_above_ratio(float(at)) for at in middle) * float(grid[1])
    assert theory.batch_wait_mean_s() == pytest.approx(area, rel=2e-3, abs=1e-9)


def test_a_batch_of_one_never_waits() -> None:
    for make in MAKERS:
        theory = make(rate_per_s=3.0, batch_size=1, timeout_s=0.5)
        assert (theory.by_size_ratio(), theory.records_per_batch(), theory.open_s()) == (1.0, 1.0, 0.0)
        assert (theory.batch_wait_mean_s(), theory.batch_wait_quantile_s(0.99)) == (0.0, 0.0)


def test_a_deadline_that_meets_an_arrival_comes_first() -> None:
    theory = ConstantBatching(rate_per_s=1000.0, batch_size=51, timeout_s=0.05)
    assert (theory.records_per_batch(), theory.by_size_ratio()) == (50.0, 0.0)
    later = ConstantBatching(rate_per_s=1000.0, batch_size=51, timeout_s=0.0501)
    assert (later.records_per_batch(), later.by_size_ratio()) == (51.0, 1.0)
