"""The batching model's arguments, orders and shapes; tests/property holds what it computes to the agent's buffer."""

from typing import Any

import numpy as np
import pytest

from loadgen.model.batching import Batching, cut


def times(*instants: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(instants, np.int64)


def test_size_timeout_and_close_in_one_stream() -> None:
    flushes = cut(times(0, 1, 2, 10, 20, 95), batch_size=3, timeout_ns=8, horizon_ns=100)
    assert flushes.time_ns.tolist() == [2, 18, 28, 100]
    assert flushes.first.tolist() == [0, 3, 4, 5]
    assert flushes.count.tolist() == [3, 1, 1, 1]
    assert flushes.by_size.tolist() == [True, False, False, False]
    assert flushes.agent.tolist() == [0, 0, 0, 0]


def test_flushes_of_several_agents_come_agent_by_agent_and_name_them() -> None:
    flushes = cut(times(5, 6, 1, 2), 2, 100, 50, lengths=times(0, 2, 0, 2))
    assert flushes.agent.tolist() == [1, 3]
    assert flushes.time_ns.tolist() == [6, 2]
    assert flushes.first.tolist() == [0, 0]


def test_no_arrival_gives_no_flush() -> None:
    assert len(cut(times(), 10, 10, 100)) == 0
    assert len(cut(times(), 10, 10, 100, lengths=times(0, 0, 0))) == 0
    assert len(cut(times(), 10, 10, 100, lengths=times())) == 0


def test_a_block_gives_a_deadline_as_soon_as_it_is_certain_and_not_before() -> None:
    batching = Batching(batch_size=10, timeout_ns=100)
    assert len(batching.push(times(0), until_ns=99)) == 0
    assert batching.push(times(), until_ns=100).time_ns.tolist() == [100]
    assert len(batching.push(times(150))) == 0
    assert batching.push(times(250)).first.tolist() == [1]
    assert batching.close(260).time_ns.tolist() == [260]
    assert len(batching.close(260)) == 0


def test_a_deadline_at_the_end_of_what_is_known_is_certain() -> None:
    assert Batching(batch_size=10, timeout_ns=100).push(times(0), until_ns=100).time_ns.tolist() == [100]


def test_an_open_batch_with_room_and_time_left_ends_with_its_agents_arrivals() -> None:
    batching = Batching(batch_size=10, timeout_ns=10**15, agents=2)
    assert len(batching.push(times(1, 1), times(1, 1))) == 0
    assert len(batching.push(times(2, 2, 3), times(1, 2))) == 0
    assert batching.close(9).count.tolist() == [2, 3]


def test_record_numbers_go_on_from_block_to_block() -> None:
    batching = Batching(batch_size=2, timeout_ns=100)
    first = batching.push(times(0, 1, 2))
    second = batching.push(times(3, 4))
    last = batching.close(1000)
    assert [*first.first, *second.first, *last.first] == [0, 2, 4]
    assert [*first.count, *second.count, *last.count] == [2, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be >= 1 record, got 0"),
        ({"timeout_ns": 0}, "timeout_ns must be >= 1 ns, got 0; to send each record alone"),
        ({"horizon_ns": 2**62 + 1}, "horizon must be between 0 and"),
        ({"horizon_ns": 2}, "arrivals must be before the horizon, 2 ns, got 2"),
        ({"arrivals_ns": times(3, 1)}, r"must be sorted for each agent, got 1 after 3 \(place 1\)"),
        ({"arrivals_ns": times(-1, 1)}, "must not be before .* got -1"),
        ({"arrivals_ns": np.array([0.5])}, "must be int64 nanoseconds, got float64"),
        ({"lengths": times(1, 1)}, "lengths must give the arrivals of each of 2 agents, 3 in all"),
        ({"lengths": times(4, -1)}, "lengths must give the arrivals"),
    ],
)
def test_what_no_trial_can_have_is_refused(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "arrivals_ns": times(0, 1, 2),
        "batch_size": 2,
        "timeout_ns": 5,
        "horizon_ns": 10,
    } | arguments
    with pytest.raises(ValueError, match=message):
        cut(**given)


def test_a_block_that_goes_back_behind_what_was_said_is_refused() -> None:
    batching = Batching(batch_size=2, timeout_ns=5, agents=2)
    batching.push(times(7), times(1, 0))
    batching.push(times(3), times(0, 1))  # another agent's time is its own
    with pytest.raises(ValueError, match="must not be before those of earlier blocks and their until_ns, 7 ns, got 6"):
        batching.push(times(6), times(1, 0))
    batching.push(times(), times(0, 0), until_ns=20)
    with pytest.raises(ValueError, match=r"20 ns, got 19 \(agent 1\)"):
        batching.push(times(20, 19), times(1, 1))


def test_neighbouring_agents_with_times_as_long_as_the_horizon_do_not_mix() -> None:
    # The keys of several agents would pass 2**63 here, so each agent must be worked on alone.
    end = 2**62 - 1
    flushes = cut(times(0, end, 0, end, 5, end), 10, end - 1, 2**62, lengths=times(2, 2, 2))
    assert flushes.count.tolist() == [1, 1, 1, 1, 2]
    assert flushes.time_ns.tolist() == [end - 1, 2**62, end - 1, 2**62, 2**62]
