"""Service times of the emulated engine: what they are drawn from, and that anybody draws the same."""

import math

import numpy as np
import pytest

from system.engine.service_time import service_times_s
from system.settings import Emulated

MASK = 2**64 - 1


def word(seed: int, *parts: int) -> int:
    """The 64 bits of a draw in Python's integers."""
    value = seed
    for part in parts:
        value = ((value ^ part) + 0x9E3779B97F4A7C15) & MASK
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
        value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
        value ^= value >> 31
    return value


def exponential(mean_s: float, bits: int) -> float:
    return -mean_s * math.log(((bits >> 11) + 0.5) / 2**53)


def test_the_words_are_those_of_splitmix64() -> None:
    """Its first output from the state 0 (Vigna's splitmix64.c, and Java's SplittableRandom(0))."""
    assert word(0, 0) == 0xE220A8397B1DCDAF


def test_constant_times_are_the_batches_or_the_records_times() -> None:
    counts = [0, 1, 250]
    assert service_times_s(Emulated(service_s=0.002), [1, 1, 2], [0, 5, 6], counts).tolist() == [0.002] * 3
    per_record = Emulated(service_s=0.5, per="record")
    assert service_times_s(per_record, [1, 1, 2], [0, 5, 6], counts).tolist() == [0.0, 0.5, 125.0]


def test_an_exponential_batch_is_one_draw_of_its_name() -> None:
    emulated = Emulated(distribution="exponential", service_s=0.25, seed=9)
    found = service_times_s(emulated, [3, 2**32 - 1], [17, 2**64 - 1], [5, 0])
    assert found == pytest.approx(
        [exponential(0.25, word(9, 3, 17, 5)), exponential(0.25, word(9, 2**32 - 1, 2**64 - 1, 0))], rel=1e-12
    )


def test_an_exponential_batch_of_records_is_the_sum_of_its_records_draws() -> None:
    emulated = Emulated(distribution="exponential", service_s=0.25, seed=9, per="record")
    expected = sum(exponential(0.25, word(9, 3, number)) for number in range(100, 107))
    assert service_times_s(emulated, 3, 100, 7).item() == pytest.approx(expected, rel=1e-12)
    assert service_times_s(emulated, 3, 100, 0).item() == 0.0


@pytest.mark.parametrize("per", ["batch", "record"])
def test_a_batch_asked_for_alone_has_the_very_time_it_has_among_others(per: str) -> None:
    emulated = Emulated(distribution="exponential", service_s=0.01, per=per)  # type: ignore[arg-type]
    batches = [(agent, first * 37, count) for agent in range(7) for first, count in enumerate([0, 37, 1, 20])]
    together = service_times_s(emulated, *np.array(batches).T)
    assert together.tolist() == [service_times_s(emulated, *batch).item() for batch in batches]


def test_however_a_stream_is_cut_its_records_take_the_same_in_all() -> None:
    emulated = Emulated(distribution="exponential", per="record")
    whole = service_times_s(emulated, 4, 0, 1000).item()
    halves = service_times_s(emulated, [4, 4], [0, 321], [321, 679])
    assert halves.sum() == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("change", [{"seed": 2}, {"agent": 6}, {"first": 11}, {"count": 101}])
def test_another_name_or_seed_is_another_draw(change: dict[str, int]) -> None:
    name = {"agent": 5, "first": 10, "count": 100}
    emulated = Emulated(distribution="exponential")
    other = Emulated(distribution="exponential", seed=change.get("seed", 1))
    assert service_times_s(emulated, **name) != service_times_s(
        other, **{**name, **{k: v for k, v in change.items() if k != "seed"}}
    )


@pytest.mark.parametrize("by", ["agent", "first", "count"])
def test_draws_of_neighbouring_names_are_exponential_and_independent(by: str) -> None:
    """Fixed draws: their mean, spread, and the correlation of each with the next, within 4 standard errors."""
    size = 40_000
    name = {"agent": np.full(size, 3), "first": np.full(size, 8), "count": np.full(size, 100)}
    name[by] = np.arange(size)
    drawn = service_times_s(Emulated(distribution="exponential", service_s=2.0), **name)
    assert drawn.mean() == pytest.approx(2.0, abs=4 * 2.0 / math.sqrt(size))
    assert np.mean(drawn**2) == pytest.approx(8.0, abs=4 * math.sqrt(20 * 2.0**4 / size))
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4 / math.sqrt(size)
    assert np.mean(drawn > 2.0) == pytest.approx(math.exp(-1), abs=4 * math.sqrt(0.2325 / size))
