"""The schedule: every agent's batches in the order of their cut, as a plain play of the agents' own buffers gives them."""

from typing import Any

import numpy as np
import pytest

from loadgen.model import schedule as module
from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.schedule import Schedule, in_order, schedule
from system.agent.buffer import Buffer

ARGUMENTS: dict[str, Any] = {
    "arrivals": Poisson(rate_per_s=80.0), "seed": 7, "agents": 5, "batch_size": 10, "timeout_s": 0.1, "horizon_s": 3.0,
}  # fmt: skip


def made(**changes: Any) -> Schedule:
    given = ARGUMENTS | changes
    return schedule(given.pop("arrivals"), **given)


def rows(plan: Schedule) -> list[tuple[int, int, int, int]]:
    return list(zip(plan.time_ns.tolist(), plan.agent.tolist(), plan.first.tolist(), plan.count.tolist(), strict=True))


def by_buffers(
    arrivals: OpenLoopProcess, seed: int, agents: int, batch_size: int, timeout_s: float, horizon_s: float
) -> Any:
    """Record after record into the buffer of a real agent."""
    found = []
    for agent in range(agents):
        buffer = Buffer(batch_size, round(timeout_s * 1e9))
        cuts = [buffer.add(b"", instant) for instant in arrivals.draw(seed, agent, round(horizon_s * 1e9)).tolist()]
        cuts.append(buffer.close(round(horizon_s * 1e9)))
        found += [(one.cut_mono_ns, agent, one.first, len(one.records)) for one in cuts if one is not None]
    return sorted(found)


@pytest.mark.parametrize("arrivals", [Poisson(rate_per_s=80.0), Poisson(rate_per_s=0.5), Constant(rate_per_s=100.0)])
@pytest.mark.parametrize(("batch_size", "timeout_s"), [(1, 0.1), (10, 0.1), (10, 10.0), (1000, 0.05), (7, 1e-9)])
def test_it_is_what_the_agents_own_buffers_cut(arrivals: OpenLoopProcess, batch_size: int, timeout_s: float) -> None:
    given = {**ARGUMENTS, "arrivals": arrivals, "batch_size": batch_size, "timeout_s": timeout_s}
    assert rows(made(**given)) == by_buffers(**given)


def test_batches_are_sorted_by_time_and_then_by_agent() -> None:
    plan = made(arrivals=Constant(rate_per_s=100.0), agents=40)
    found = rows(plan)
    assert found == sorted(found)
    assert len({agent for _, agent, _, _ in found}) == 40


def test_each_agents_batches_follow_one_another_without_a_hole() -> None:
    plan = made()
    for agent in range(5):
        mine = plan.agent == agent
        assert plan.first[mine].tolist() == [0, *np.cumsum(plan.count[mine]).tolist()][:-1]


def test_its_records_are_all_arrivals_before_the_horizon() -> None:
    plan = made()
    assert plan.records == sum(len(ARGUMENTS["arrivals"].draw(7, agent, 3 * 10**9)) for agent in range(5))
    assert 0 <= plan.time_ns.min() <= plan.time_ns.max() <= 3 * 10**9


def test_the_same_arguments_give_the_same_fingerprint() -> None:
    assert made().fingerprint() == made().fingerprint()


CHANGES: list[dict[str, Any]] = [
    {"arrivals": Poisson(rate_per_s=80.000001)},
    {"arrivals": Constant(rate_per_s=80.0)},
    {"seed": 8},
    {"agents": 6},
    {"batch_size": 11},
    {"timeout_s": 0.100001},
    {"horizon_s": 3.01},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_every_argument_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert made(**change).fingerprint() != made().fingerprint()


@pytest.mark.parametrize("column", ["time_ns", "agent", "first", "count"])
@pytest.mark.parametrize("place", [0, -1])
def test_one_number_that_differs_by_one_changes_the_fingerprint(column: str, place: int) -> None:
    plan = made()
    columns = {name: getattr(plan, name).copy() for name in ("time_ns", "agent", "first", "count")}
    columns[column][place] += 1
    assert Schedule(**columns).fingerprint() != plan.fingerprint()


def test_more_agents_leave_the_others_batches_as_they_are() -> None:
    assert [row for row in rows(made(agents=9)) if row[1] < 5] == rows(made())


@pytest.mark.parametrize("records", [1, 300, 10_000])
def test_how_many_agents_are_cut_at_once_makes_no_difference(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    whole = rows(made(agents=9))
    monkeypatch.setattr(module, "CUT_RECORDS", records)
    assert rows(made(agents=9)) == whole


def test_batches_in_any_order_are_one_schedule() -> None:
    plan = made()
    shuffled = np.random.Generator(np.random.Philox(key=1)).permutation(len(plan.count))
    again = in_order(*(column[shuffled] for column in (plan.time_ns, plan.agent, plan.first, plan.count)))
    assert again.fingerprint() == plan.fingerprint()


def test_a_rate_that_gives_no_record_is_an_empty_schedule_with_a_fingerprint() -> None:
    plan = made(arrivals=Constant(rate_per_s=1e-6))
    assert (len(plan.count), plan.records, len(plan.fingerprint())) == (0, 0, 32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agents": 0}, "agents must be >= 1, got 0"),
        ({"batch_size": 0}, "batch_size must be >= 1 record, got 0"),
        ({"timeout_s": 0.0}, "timeout_ns must be >= 1 ns, got 0"),
    ],
)
def test_what_no_swarm_can_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**change)
