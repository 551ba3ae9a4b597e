"""Arrival times against what they must be by definition, and against their distribution (fixed seeds).

False alarms: each statistical limit below is passed by chance at most once in 10,000 seeds; the seeds are fixed, so a
test that fails after a change of the code fails for good.
"""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.exponential import exponential
from loadgen.model.arrivals.inversion import Floats
from loadgen.model.arrivals.mmpp import Mmpp
from loadgen.model.arrivals.onoff import OnOff
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import END_NS, NS_PER_S, OpenLoopProcess, Times
from loadgen.model.arrivals.ramp import Ramp
from loadgen.model.arrivals.step import Step
from loadgen.model.arrivals.trace import Trace


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


def unit_gaps(times: Times, expected_until_s: Callable[[float], float]) -> Floats:
    """Gaps between arrivals in records expected: exponential with mean 1 if the process has the rate it says."""
    return np.diff([expected_until_s(at / NS_PER_S) for at in times.tolist()], prepend=0.0)


@pytest.mark.parametrize(
    ("process", "expected_until_s"),
    [
        (
            Ramp(from_rate_per_s=100.0, to_rate_per_s=900.0, over_s=5.0),
            lambda t: 100.0 * t + 80.0 * t * t if t < 5.0 else 2500.0 + 900.0 * (t - 5.0),
        ),
        (
            Ramp(from_rate_per_s=900.0, to_rate_per_s=100.0, over_s=5.0),
            lambda t: 900.0 * t - 80.0 * t * t if t < 5.0 else 2500.0 + 100.0 * (t - 5.0),
        ),
        (
            Step(steps=((2.0, 800.0), (3.0, 0.0), (4.0, 300.0))),
            lambda t: 800.0 * t if t < 2.0 else 1600.0 + 300.0 * max(t - 3.0, 0.0),
        ),
    ],
)
def test_a_changing_rate_gives_poisson_arrivals_in_records_expected(
    process: OpenLoopProcess, expected_until_s: Callable[[float], float]
) -> None:
    times = process.draw(2, 3, 20 * NS_PER_S)
    gaps = unit_gaps(times, expected_until_s)
    limit = 2.23 / math.sqrt(len(gaps))
    assert kolmogorov(-np.expm1(-gaps)) < limit
    # The same arrivals are not those of a constant rate: the check can fail.
    assert kolmogorov(-np.expm1(-np.diff(times, prepend=0) / times[-1] * len(times))) > limit
    assert process.expected_records(20 * NS_PER_S) == pytest.approx(expected_until_s(20.0))
    assert process.expected_records(NS_PER_S) == pytest.approx(expected_until_s(1.0))


def test_a_step_to_nothing_ends_for_good_and_one_from_nothing_begins_in_time() -> None:
    times = Step(steps=((1.0, 0.0), (2.0, 500.0), (3.0, 0.0))).draw(1, 1, 100 * NS_PER_S)
    assert 400 < len(times) < 600
    assert NS_PER_S <= times[0] <= times[-1] <= 2 * NS_PER_S
    assert next(Step(steps=((1.0, 1.0), (2.0, 0.0))).blocks(1, 1, 50))[-1] == END_NS


def test_a_ramp_from_nothing_begins_at_the_loads_start() -> None:
    assert Ramp(from_rate_per_s=0.0, to_rate_per_s=1e6, over_s=1.0)._times_s(np.array([0.0]))[0] == 0.0


def test_fixed_bursts_come_in_a_square_wave_with_a_phase_of_each_agents_own() -> None:
    process = OnOff(on_rate_per_s=1000.0, on_s=1.0, off_s=3.0, times="fixed")
    begins = []
    for agent in range(200):
        times = process.draw(11, agent, 12 * NS_PER_S)
        phase = (times - times[np.flatnonzero(np.diff(times) > NS_PER_S)[0] + 1]) % (4 * NS_PER_S)
        # From the first arrival of a burst to the last is at most the time on, and then there is nothing.
        assert ((phase <= NS_PER_S) | (phase > 4 * NS_PER_S - 20_000_000)).all()
        begins.append((times[np.flatnonzero(np.diff(times) > NS_PER_S)[0] + 1] / (4 * NS_PER_S)) % 1.0)
    assert kolmogorov(np.array(begins)) < 2.23 / math.sqrt(len(begins))


def test_bursts_begin_in_the_share_of_time_that_is_on() -> None:
    process = OnOff(on_rate_per_s=10_000.0, on_s=1.0, off_s=3.0)
    busy = [len(process.draw(3, agent, 1_000_000)) > 0 for agent in range(2_000)]
    # 4 standard deviations of a share of 1/4 in 2,000 agents, and the few that change state or stay empty meanwhile.
    assert abs(np.mean(busy) - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 2_000) + 0.002


def test_the_counts_of_a_modulated_process_vary_as_theory_says() -> None:
    # Heffes and Lucantoni (1986): the index of dispersion over long windows of a process with two states, with the rates
    # l1, l2 and the rates r1, r2 of leaving them, is 1 + 2 (l1 - l2)**2 r1 r2 / ((r1 + r2)**2 (l1 r2 + l2 r1)).
    l1, l2, r1, r2 = 20.0, 200.0, 1.0, 4.0
    theory = 1.0 + 2.0 * (l1 - l2) ** 2 * r1 * r2 / ((r1 + r2) ** 2 * (l1 * r2 + l2 * r1))
    windows, window_s = 2_000, 30.0
    for process in (
        Mmpp(states=((l1, 1.0 / r1), (l2, 1.0 / r2))),
        OnOff(on_rate_per_s=l2, off_rate_per_s=l1, on_s=1.0 / r2, off_s=1.0 / r1),
    ):
        times = process.draw(4, 0, round(windows * window_s * NS_PER_S))
        counts = np.bincount((times / (window_s * NS_PER_S)).astype(np.int64), minlength=windows)
        # A window of 30 s is within 1 % of an endless one: (r1 + r2) * 30 = 150.
        assert abs(counts.var(ddof=1) / counts.mean() / theory - 1.0) < 4 * math.sqrt(2 / (windows - 1)) + 0.01


def test_three_states_are_held_for_shares_of_time_in_proportion_to_their_means() -> None:
    # Rates so far apart that a second's count tells its state.
    process = Mmpp(states=((10.0, 40.0), (1_000.0, 20.0), (100_000.0, 4.0)))
    states = []
    for agent in range(1_000):
        count = len(process.draw(5, agent, 10_000_000))
        states.append(0 if count < 3 else 1 if count < 100 else 2)
    shares = np.bincount(states, minlength=3) / 1_000
    for share, mean_s in zip(shares, (40.0, 20.0, 4.0), strict=True):
        expected = mean_s / 64.0
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / 1_000) + 0.005


def test_the_rarest_bursts_are_drawn_as_fast_as_the_horizon_is_reached() -> None:
    process = OnOff(on_rate_per_s=1e-9, on_s=0.1, off_s=0.1)
    assert len(process.draw(1, 1, 3600 * NS_PER_S)) == 0


def test_a_trace_is_played_round_and_round_from_a_drawn_instant(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("0.0 a\n1.5 b\n1.5 c\n3.0 d\n")
    process = Trace(path=str(tmp_path / "a.log"))
    assert process.mean_rate_per_s() == 1.0  # four lines in three seconds and the mean gap of one
    begins = []
    for agent in range(500):
        times = process.draw(8, agent, 40 * NS_PER_S)
        assert len(times) == 40
        gaps = np.diff(times).tolist()
        assert gaps[:-4] == gaps[4:]
        place = gaps.index(0)
        assert gaps[place : place + 4] == [0, 1_500_000_000, 1_000_000_000, 1_500_000_000]
        begins.append((times[place] / NS_PER_S) % 4.0 / 4.0)
    assert kolmogorov(np.array(begins)) < 2.23 / math.sqrt(len(begins))


def test_a_trace_at_twice_the_speed_has_every_time_halved(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("0.0 a\n1.5 b\n3.25 d\n")
    usual = Trace(path=str(tmp_path / "a.log")).draw(8, 1, 40 * NS_PER_S)
    fast = Trace(path=str(tmp_path / "a.log"), speed=2.0).draw(8, 1, 20 * NS_PER_S)
    assert np.array_equal(fast, usual // 2)


def test_the_slowest_trace_ends_at_the_end_of_time(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("0 a\n1000000000 b\n")
    times = next(Trace(path=str(tmp_path / "a.log"), speed=1.0).blocks(1, 1, 100))
    assert (np.diff(times) >= 0).all()
    assert times[-1] == END_NS


def test_a_traces_times_come_back_from_what_is_kept_of_them(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("0.0 a\n1.5 b\n3.25 d\n")
    process = Trace(path=str(log))
    sources, before = process.sources(), process.draw(1, 1, 30 * NS_PER_S)
    log.unlink()
    assert np.array_equal(process.prepared(sources).draw(1, 1, 30 * NS_PER_S), before)
    with pytest.raises(ValueError, match=r"a.log can't be read \(No such file or directory\)"):
        process.draw(1, 1, 30 * NS_PER_S)


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
        "from loadgen.model.arrivals.mmpp import Mmpp\n"
        "from loadgen.model.arrivals.onoff import OnOff\n"
        "from loadgen.model.arrivals.poisson import Poisson\n"
        "from loadgen.model.arrivals.ramp import Ramp\n"
        "from loadgen.model.arrivals.step import Step\n"
        "from loadgen.model.arrivals.trace import Replay\n"
        "for process in (\n"
        "    Poisson(rate_per_s=1000.0),\n"
        "    OnOff(on_rate_per_s=1000.0, on_s=0.3, off_s=0.1),\n"
        "    Mmpp(states=((1000.0, 0.3), (10.0, 0.2), (3.0, 0.1))),\n"
        "    Ramp(from_rate_per_s=3.0, to_rate_per_s=700.0, over_s=50.0),\n"
        "    Step(steps=((3.0, 70.0), (7.0, 0.3), (9.0, 110.0))),\n"
        "    Replay(times_ns=np.arange(0, 10**12, 333_333_337), speed=0.7),\n"
        "):\n"
        "    print(hashlib.sha256(next(process.blocks(1, 2, 20_000)).tobytes()).hexdigest())\n"
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
