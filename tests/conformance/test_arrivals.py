"""What every open-loop arrival process must keep, whoever wrote it: run over the registry.

A new kind needs one line in EXAMPLES; a test says so if it is missing.
"""

from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.mmpp import Mmpp
from loadgen.model.arrivals.onoff import OnOff
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import END_NS, NS_PER_S, ArrivalProcess, OpenLoopProcess, Times
from loadgen.model.arrivals.ramp import Ramp
from loadgen.model.arrivals.registry import PROCESSES, Arrivals
from loadgen.model.arrivals.step import Step
from loadgen.model.arrivals.trace import Trace
from loadgen.model.kinds import kind_of

TRACE = str(Path(__file__).parents[1] / "golden" / "trace.log")

#: One open-loop process of each kind, with about 100 arrivals in HORIZON_NS.
EXAMPLES: dict[str, OpenLoopProcess] = {
    "constant": Constant(rate_per_s=52.7),
    "poisson": Poisson(rate_per_s=50.0),
    "onoff": OnOff(on_rate_per_s=90.0, on_s=0.1, off_s=0.1, off_rate_per_s=10.0),
    "mmpp": Mmpp(states=((10.0, 0.1), (60.0, 0.2), (300.0, 0.01))),
    "ramp": Ramp(from_rate_per_s=10.0, to_rate_per_s=70.0, over_s=1.5),
    "step": Step(steps=((0.5, 100.0), (1.0, 0.0), (1.5, 60.0))),
    "trace": Trace(path=TRACE, speed=1.5),
}
HORIZON_NS = 2 * NS_PER_S

each = pytest.mark.parametrize("process", EXAMPLES.values(), ids=EXAMPLES.keys())


def first(process: OpenLoopProcess, count: int, block: int, seed: int = 3, agent: int = 5) -> Times:
    """The first `count` arrivals, taken `block` at a time."""
    return np.concatenate(list(islice(process.blocks(seed, agent, block), -(-count // block))))[:count]


def test_every_open_loop_kind_of_the_registry_has_an_example_here() -> None:
    assert {kind_of(process) for process in PROCESSES if process.open_loop} == set(EXAMPLES)
    assert {kind_of(type(process)): process for process in EXAMPLES.values()} == EXAMPLES


@pytest.mark.parametrize("process", PROCESSES, ids=kind_of)
def test_a_kind_says_whether_it_is_open_loop_and_only_then_has_arrival_times(process: type[ArrivalProcess]) -> None:
    assert process.open_loop is issubclass(process, OpenLoopProcess)


@each
def test_a_process_comes_back_unchanged_from_a_config_table(process: OpenLoopProcess) -> None:
    assert msgspec.convert(msgspec.to_builtins(process), Arrivals) == process


@each
def test_times_are_sorted_integers_in_range(process: OpenLoopProcess) -> None:
    times = process.draw(3, 5, HORIZON_NS)
    assert times.dtype == np.int64
    assert len(times) > 50
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert times[-1] < HORIZON_NS


@each
def test_a_longer_horizon_only_adds_arrivals(process: OpenLoopProcess) -> None:
    whole = process.draw(3, 5, HORIZON_NS)
    assert np.array_equal(process.draw(3, 5, HORIZON_NS // 3), whole[whole < HORIZON_NS // 3])
    # The horizon itself is outside.
    assert np.array_equal(process.draw(3, 5, int(whole[20])), whole[whole < whole[20]])
    assert len(process.draw(3, 5, 0)) == 0


@each
def test_the_block_size_does_not_change_a_single_time(process: OpenLoopProcess) -> None:
    expected = first(process, 10_000, 10_000)
    for block in (1, 7, 4096, 9_999):
        assert np.array_equal(first(process, 10_000, block), expected), block
    whole = process.draw(3, 5, int(expected[-1]) + 1)
    assert np.array_equal(whole[:10_000], expected)


@each
def test_blocks_have_the_size_asked_for_and_do_not_change_afterwards(process: OpenLoopProcess) -> None:
    stream = process.blocks(3, 5, 64)
    earlier = next(stream)
    copy = earlier.copy()
    later = next(stream)
    assert len(earlier) == len(later) == 64
    assert np.array_equal(earlier, copy)
    assert earlier[-1] <= later[0]


@each
def test_the_same_seed_and_agent_give_the_same_times_and_any_other_gives_others(process: OpenLoopProcess) -> None:
    times = first(process, 100, 100)
    assert np.array_equal(first(process, 100, 100), times)
    assert not np.array_equal(first(process, 100, 100, agent=6), times)
    assert not np.array_equal(first(process, 100, 100, seed=4), times)
    # (3, 5) and (5, 3) must differ too: seed and agent may not simply be added.
    assert not np.array_equal(first(process, 100, 100, seed=5, agent=3), times)


@each
def test_the_mean_rate_over_many_agents_is_the_rate_it_says(process: OpenLoopProcess) -> None:
    # 5 standard errors of the agents' own spread: a false alarm once in 1.7 million seeds, and this seed is fixed.
    counts = np.array([len(process.draw(17, agent, HORIZON_NS)) for agent in range(400)])
    expected = process.expected_records(HORIZON_NS)
    assert abs(counts.mean() - expected) < 5 * counts.std(ddof=1) / np.sqrt(len(counts))
    assert counts.std() < 0.5 * expected  # or the test above could not fail


@each
def test_the_records_expected_over_a_long_time_are_those_of_the_mean_rate(process: OpenLoopProcess) -> None:
    hours = [process.expected_records(hour * 3600 * NS_PER_S) for hour in (0, 1, 2)]
    assert hours[0] == 0.0
    assert hours[2] - hours[1] == pytest.approx(process.mean_rate_per_s() * 3600)


@each
def test_a_scaled_process_expects_so_many_times_the_records_and_is_of_the_same_kind(process: OpenLoopProcess) -> None:
    scaled = process.scaled(2.5)
    assert type(scaled) is type(process)
    for horizon_ns in (NS_PER_S // 3, 100 * NS_PER_S):
        assert scaled.expected_records(horizon_ns) == pytest.approx(2.5 * process.expected_records(horizon_ns))


@each
def test_arrivals_before_the_time_asked_for_are_those_of_the_endless_stream(process: OpenLoopProcess) -> None:
    whole, until_ns = first(process, 500, 64), NS_PER_S
    blocks = process.blocks_until(3, 5, 64, until_ns)
    asked = np.concatenate([next(blocks) for _ in range(8)])[:500]
    assert np.array_equal(asked[asked < until_ns], whole[whole < until_ns])
    assert ((asked == whole) | (asked == END_NS))[whole >= until_ns].all()


@each
def test_what_a_process_reads_from_files_is_all_it_needs(process: OpenLoopProcess) -> None:
    prepared = process.prepared(process.sources())
    assert np.array_equal(prepared.draw(3, 5, HORIZON_NS), process.draw(3, 5, HORIZON_NS))
    assert prepared.mean_rate_per_s() == process.mean_rate_per_s()


@each
@pytest.mark.parametrize("block", [0, -1])
def test_a_block_without_arrivals_is_refused(process: OpenLoopProcess, block: int) -> None:
    with pytest.raises(ValueError, match=f"block must be >= 1 arrival, got {block}"):
        next(process.blocks(1, 1, block))


@each
@pytest.mark.parametrize("horizon_ns", [-1, 2**62 + 1])
def test_a_horizon_out_of_range_is_refused(process: OpenLoopProcess, horizon_ns: int) -> None:
    with pytest.raises(ValueError, match=f"horizon_ns must be between 0 and .*, got {horizon_ns}"):
        process.draw(1, 1, horizon_ns)
