"""The flush mix: counted by hand, and predicted beside what the batching model then does."""

import msgspec
import numpy as np
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.onoff import OnOff
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import NS_PER_S, ArrivalProcess, OpenLoopProcess
from loadgen.model.arrivals.saturate import Saturate
from loadgen.model.arrivals.step import Step
from loadgen.model.batching import cut
from loadgen.model.fleet import AgentClass
from loadgen.model.flush_mix import AgentBatches, FlushMix, observed, predicted, steady
from loadgen.model.theory import PoissonBatching


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


#: Records at these times, BATCH_SIZE 3, TIMEOUT 100, closed at 1000: a batch before the window, one by size, one by timeout
#: and one that the close cuts 50 after it opened.
BY_HAND = AgentBatches(
    arrivals_ns=[ints(10, 200, 210), ints(240, 500, 520, 950), ints(960)],
    first=ints(0, 1, 4, 6),
    count=ints(1, 3, 2, 2),
    cut_ns=ints(110, 240, 600, 1000),
    batch_size=3,
    timeout_ns=100,
)


def test_batches_are_counted_by_how_they_end_and_records_by_how_long_they_wait() -> None:
    found = observed([BY_HAND], window_ns=(100, 1000), close_ns=1000, method="m")
    assert found is not None
    assert found.method == "m"
    assert (found.by_size_ratio, found.by_timeout_ratio, found.by_close_ratio) == (1 / 3, 1 / 3, 1 / 3)
    # The batch that the close cut isn't whole: its records count for nothing else.
    assert found.records_per_batch == 2.5
    assert found.batch_wait_mean_s == pytest.approx((40 + 30 + 0 + 100 + 80) / 5 / NS_PER_S)
    assert found.batch_wait_p50_s == pytest.approx(40 / NS_PER_S)
    assert found.batch_wait_p99_s is None, "five records are too few"


def test_the_model_cuts_what_was_counted_by_hand() -> None:
    flushes = cut(np.concatenate(list(BY_HAND.arrivals_ns)), 3, 100, 1000)
    assert flushes.time_ns.tolist() == BY_HAND.cut_ns.tolist()
    assert flushes.first.tolist() == BY_HAND.first.tolist()


def test_a_window_in_which_nothing_opens_has_no_mix_and_a_short_one_no_waits() -> None:
    assert observed([BY_HAND], window_ns=(600, 900), close_ns=1000, method="") is None
    short = observed([BY_HAND], window_ns=(930, 1000), close_ns=1000, method="")
    assert short is not None
    assert (short.by_close_ratio, short.records_per_batch, short.batch_wait_mean_s) == (1.0, None, None)


def alike(arrivals: ArrivalProcess, batch_size: int, timeout_s: float, agents: int = 200) -> AgentClass:
    return AgentClass(name="all", agents=agents, arrivals=arrivals, batch_size=batch_size, timeout_s=timeout_s)  # type: ignore[arg-type]


def simulated(
    arrivals: OpenLoopProcess,
    batch_size: int,
    timeout_s: float,
    phases_s: tuple[float, float, float],
    agents: int,
    seed: int,
) -> FlushMix | None:
    begin_ns, end_ns, close_ns = (round(sum(phases_s[: place + 1]) * NS_PER_S) for place in range(3))
    timeout_ns = round(timeout_s * NS_PER_S)
    drawn = []
    for agent in range(agents):
        times = arrivals.draw(seed, agent, close_ns)
        made = cut(times, batch_size, timeout_ns, close_ns)
        drawn.append(AgentBatches([times], made.first, made.count, made.time_ns, batch_size, timeout_ns))
    return observed(drawn, window_ns=(begin_ns, end_ns), close_ns=close_ns, method="")


SHARES = ("by_size_ratio", "by_timeout_ratio", "by_close_ratio")


@pytest.mark.parametrize(
    ("rate_per_s", "batch_size", "timeout_s", "measure_s", "cooldown_s"),
    [
        (100.0, 10, 0.1, 2.0, 0.0),
        (20.0, 10, 0.5, 2.0, 0.0),
        (2.0, 100, 1.0, 0.7, 0.0),
        (50.0, 20, 5.0, 1.0, 0.0),
        (20.0, 10, 0.5, 2.0, 0.3),
        (20.0, 10, 0.5, 2.0, 0.5),
        (2.0, 100, 1.0, 0.7, 0.6),
    ],
)
def test_a_windows_shares_are_predicted_also_where_the_load_ends_before_the_timeout(
    rate_per_s: float, batch_size: int, timeout_s: float, measure_s: float, cooldown_s: float
) -> None:
    """Agents' batches at a window's end are independent: each share within 4.5 of its binomial standard errors (a correct
    formula fails one of these 21 in 7,000 chances; the seed is fixed). Long warm-up: no common phase is left."""
    agents = 500
    found = simulated(
        Poisson(rate_per_s=rate_per_s), batch_size, timeout_s, (5.0, measure_s, cooldown_s), agents, seed=3
    )
    theory = PoissonBatching(rate_per_s=rate_per_s, batch_size=batch_size, timeout_s=timeout_s)
    expected = steady(theory, measure_s, cooldown_s, method="")
    assert found is not None
    for name in SHARES:
        share = getattr(expected, name)
        # Shares of the batches of one agent are not independent of their number, which spreads less than a Poisson count:
        # the number of agents is the number of independent looks.
        error = np.sqrt(share * (1 - share) / agents) + 1e-12
        assert abs(getattr(found, name) - share) <= 4.5 * error, name
    assert sum(getattr(expected, name) for name in SHARES) == pytest.approx(1.0)


def test_a_planted_window_formula_without_the_close_is_off() -> None:
    """The same comparison, with the shares of undisturbed batches taken for those of the window."""
    found = simulated(Poisson(rate_per_s=20.0), 10, 0.5, (5.0, 2.0, 0.0), 500, seed=3)
    theory = PoissonBatching(rate_per_s=20.0, batch_size=10, timeout_s=0.5)
    assert found is not None
    share = theory.by_size_ratio()
    assert abs(found.by_size_ratio - share) > 4.5 * np.sqrt(share * (1 - share) / 500)


def test_a_cool_down_of_the_timeout_leaves_nothing_to_the_close() -> None:
    theory = PoissonBatching(rate_per_s=20.0, batch_size=10, timeout_s=0.5)
    found = steady(theory, 2.0, 0.5, method="")
    assert found.by_close_ratio == 0.0
    assert found.by_size_ratio == pytest.approx(theory.by_size_ratio())


def test_constant_arrivals_keep_their_phase_so_their_shares_are_counted() -> None:
    """Batches of exactly a second, a window of ten: the close finds every agent between two batches."""
    found = predicted([alike(Constant(rate_per_s=1000.0), 1000, 1.0)], warmup_s=2.0, measure_s=10.0)
    assert found is not None
    assert (found.by_size_ratio, found.by_close_ratio) == (1.0, 0.0)
    assert found.method.startswith("closed form, constant arrivals")
    assert found.batch_wait_mean_s == pytest.approx(0.4995)


@pytest.mark.parametrize(
    "arrivals",
    [OnOff(on_rate_per_s=500.0, on_s=0.1, off_s=0.4), Step(steps=[(3.0, 50.0), (4.0, 500.0)])],  # type: ignore[arg-type]
    ids=["onoff", "step"],
)
def test_other_processes_are_simulated_and_say_so(arrivals: OpenLoopProcess) -> None:
    """Against 200 other agents: within 10 % of one another (an onoff agent has some 20 bursts in the window, 200 agents
    4,000, so that a mean spreads by about 2 %)."""
    found = predicted([alike(arrivals, 20, 0.1)], warmup_s=1.0, measure_s=10.0)
    other = simulated(arrivals, 20, 0.1, (1.0, 10.0, 0.0), agents=200, seed=77)
    assert found is not None
    assert other is not None
    assert found.method.startswith("simulated from the model: ")
    for name in ("by_size_ratio", "records_per_batch", "batch_wait_mean_s"):
        assert getattr(found, name) == pytest.approx(getattr(other, name), rel=0.1), name
    poisson = predicted([alike(Poisson(rate_per_s=arrivals.mean_rate_per_s()), 20, 0.1)], warmup_s=1.0, measure_s=10.0)
    assert poisson is not None
    assert poisson.by_timeout_ratio != pytest.approx(other.by_timeout_ratio, rel=0.1), "the plant: bursts ignored"


def test_classes_weigh_by_their_batches_and_records() -> None:
    """Two Poisson classes whose closed forms are known: 400 quiet agents, of which 200 are drawn and stand for two each, and
    4 busy ones. Drawn records: 200 x 10 x 10 and 4 x 1000 x 10; a mean over these spreads by less than 1 %."""
    quiet = alike(Poisson(rate_per_s=10.0), 100, 0.5, agents=400)
    busy = alike(Poisson(rate_per_s=1000.0), 50, 0.5, agents=4)
    found = predicted([quiet, busy], warmup_s=2.0, measure_s=10.0)
    assert found is not None
    assert found.method == "simulated from the model: 204 of 404 agents, another seed"
    parts = [predicted([one], warmup_s=2.0, measure_s=10.0) for one in (quiet, busy)]
    batches = [
        one.agents * one.arrivals.mean_rate_per_s() / part.records_per_batch  # type: ignore[union-attr]
        for one, part in zip((quiet, busy), parts, strict=True)
    ]
    records = [4000.0, 4000.0]
    expected = np.average([part.by_size_ratio for part in parts], weights=batches)  # type: ignore[union-attr]
    assert found.by_size_ratio == pytest.approx(expected, rel=0.05)
    expected = np.average([part.batch_wait_mean_s for part in parts], weights=records)  # type: ignore[union-attr]
    assert found.batch_wait_mean_s == pytest.approx(expected, rel=0.03)
    assert found.records_per_batch == pytest.approx(sum(records) / sum(batches), rel=0.03)
    assert found.batch_wait_mean_s != pytest.approx(parts[0].batch_wait_mean_s, rel=0.3)  # type: ignore[union-attr]


def test_full_load_is_cut_whole_and_waits_are_unknown() -> None:
    found = predicted([alike(Saturate(), 400, 0.5)], warmup_s=1.0, measure_s=5.0)
    assert found is not None
    assert (found.by_size_ratio, found.by_timeout_ratio, found.by_close_ratio) == (1.0, 0.0, 0.0)
    assert (found.records_per_batch, found.batch_wait_mean_s, found.batch_wait_p99_s) == (400.0, None, None)


def test_agents_that_never_have_a_record_have_no_mix() -> None:
    rare = OnOff(on_rate_per_s=1e-6, on_s=1.0, off_s=1.0)
    assert predicted([alike(rare, 10, 0.1)], warmup_s=1.0, measure_s=1.0) is None


def test_a_mix_comes_back_from_json() -> None:
    found = predicted([alike(Poisson(rate_per_s=100.0), 10, 0.1)], warmup_s=1.0, measure_s=1.0)
    assert found is not None
    assert msgspec.json.decode(msgspec.json.encode(found), type=FlushMix) == found
