"""Arrival times against what they must be by definition, and against their distribution (fixed seeds).

False alarms: each statistical limit below is passed by chance at most once in 10,000 seeds; the seeds are fixed, so a
test that fails after a change of the code fails for good.
"""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.exponential import exponential
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import END_NS, NS_PER_S


def test_constant_arrivals_are_one_period_apart_without_drift() -> None:
    # A third of a second is no float: an accumulated sum would have drifted by the ten thousandth arrival.
    times = Constant(rate_per_s=3.0).draw(1, 0, 10_000 * NS_PER_S)
    assert len(times) == 30_000
    exact = int(times[0]) + np.arange(30_000) * NS_PER_S // 3
    assert np.abs(times - exact).max() <= 1


def test_constant_agents_are_spread_evenly_over_the_period() -> None:
    firsts = np.array([Constant(rate_per_s=1.0).draw(9, agent, 2 * NS_PER_S)[0] for agent in range(2_000)])
    assert firsts.min() >= 0
    assert firsts.max() < NS_PER_S
    assert kolmogorov(firsts / NS_PER_S) < 2.23 / math.sqrt(len(firsts))


def test_poisson_gaps_are_exponential_with_the_mean_asked_for() -> None:
    rate_per_s = 1234.5
    times = Poisson(rate_per_s=rate_per_s).draw(2, 3, 40 * NS_PER_S)
    gaps_s = np.diff(times, prepend=0) / NS_PER_S
    assert kolmogorov(-np.expm1(-rate_per_s * gaps_s)) < 2.23 / math.sqrt(len(gaps_s))


def test_the_kolmogorov_check_catches_gaps_that_are_a_little_off() -> None:
    gaps_s = np.diff(Poisson(rate_per_s=1234.5).draw(2, 3, 40 * NS_PER_S), prepend=0) / NS_PER_S
    assert kolmogorov(-np.expm1(-1234.5 * 1.03 * gaps_s)) > 2.23 / math.sqrt(len(gaps_s))


def test_poisson_gaps_do_not_depend_on_the_gap_before() -> None:
    gaps = np.diff(Poisson(rate_per_s=1000.0).draw(5, 1, 50 * NS_PER_S)).astype(np.float64)
    correlation = np.corrcoef(gaps[:-1], gaps[1:])[0, 1]
    assert abs(correlation) < 4 / math.sqrt(len(gaps))


@pytest.mark.parametrize("window_s", [0.01, 0.1, 1.0])
def test_poisson_counts_vary_as_much_as_their_mean_on_every_scale(window_s: float) -> None:
    horizon_s = 400
    times = Poisson(rate_per_s=200.0).draw(4, 0, horizon_s * NS_PER_S)
    counts = np.bincount((times / (window_s * NS_PER_S)).astype(np.int64), minlength=round(horizon_s / window_s))
    # The index of dispersion of n Poisson counts has a standard deviation of sqrt(2 / (n - 1)).
    assert abs(counts.var(ddof=1) / counts.mean() - 1.0) < 4 * math.sqrt(2 / (len(counts) - 1))


def test_agents_are_independent_of_one_another() -> None:
    process = Poisson(rate_per_s=1000.0)
    counts = np.array(
        [np.bincount(process.draw(6, agent, NS_PER_S) // 10_000_000, minlength=100) for agent in range(20)]
    )
    correlations = np.corrcoef(counts)[np.triu_indices(20, 1)]
    assert np.abs(correlations).max() < 5 / math.sqrt(100)
    assert abs(correlations.mean()) < 4 / math.sqrt(100 * len(correlations))


def test_the_rarest_agent_has_its_first_arrival_years_later_and_never_overflows() -> None:
    process = Poisson(rate_per_s=1e-9)
    assert len(process.draw(1, 1, 3600 * NS_PER_S)) == 0
    times = next(process.blocks(1, 1, 1000))
    assert (np.diff(times) >= 0).all()
    assert times[-1] == END_NS
    assert next(Constant(rate_per_s=1e-9).blocks(1, 1, 1000))[-1] == END_NS


def test_exponential_is_the_logarithm_to_within_two_units_in_the_last_place() -> None:
    words = np.random.Philox(key=8).random_raw(20_000)
    expected = np.array([-math.log1p(-(word >> 11) * 2.0**-53) for word in words.tolist()])
    assert np.abs(exponential(words) / expected - 1.0).max() < 2 * 2.0**-52


def test_exponential_at_the_edges_of_the_words() -> None:
    words = np.array([0, (1 << 11) - 1, 1 << 11, 1 << 63, 2**64 - 1], np.uint64)
    expected = [0.0, 0.0, 2.0**-53, math.log(2.0), 53 * math.log(2.0)]
    assert exponential(words).tolist() == pytest.approx(expected, rel=2**-51)
    assert len(exponential(np.empty(0, np.uint64))) == 0


def test_times_are_the_same_bits_on_a_processor_without_wide_vectors() -> None:
    program = (
        "import hashlib, numpy as np\n"
        "from loadgen.model.arrivals.poisson import Poisson\n"
        "print(hashlib.sha256(next(Poisson(rate_per_s=1000.0).blocks(1, 2)).tobytes()).hexdigest())\n"
    )
    wide = " ".join(np._core._multiarray_umath.__cpu_dispatch__)  # type: ignore[attr-defined]
    answers = set()
    for disabled in ("", wide):
        environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": disabled, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        answers.add(done.stdout)
    assert len(answers) == 1


def kolmogorov(uniforms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The greatest distance of the sample from uniform; times sqrt(n), it passes 2.23 once in 10,000 samples."""
    ordered = np.sort(uniforms)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))
