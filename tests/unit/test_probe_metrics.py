"""What is made of probes' samples: growth of counters within the window, mean levels, queue lengths, costs a record."""

from typing import Any

import numpy as np
import pytest

from experiments.metrics.cost import Carried, cost
from experiments.metrics.queue import queue_length, queue_lengths
from experiments.metrics.samples import Level, increases, latest, level
from experiments.store.record import ProbeNote
from experiments.store.tables import PROBES
from tests import made

S = 1_000_000_000
BEGIN, END = 10 * S, 20 * S


def samples(*rows: tuple[float, str, str, str, float]) -> np.ndarray:
    """Rows of (second, probe, part, figure, value)."""
    return np.array([(round(at * S), *rest) for at, *rest in rows], PROBES)


#: A gateway that uses 0.5 s of CPU a second and a sweeper that appears within the window.
STEADY = samples(
    (2.0, "processes", "gateway", "cpu_s", 0.0),
    (9.9, "processes", "gateway", "cpu_s", 3.95),
    (15.0, "processes", "gateway", "cpu_s", 6.5),
    (20.2, "processes", "gateway", "cpu_s", 9.1),
    (20.2, "processes", "sweeper", "cpu_s", 1.03),
    (25.0, "processes", "gateway", "cpu_s", 11.5),
    (10.0, "other", "gateway", "cpu_s", 77.0),
)


def test_growth_is_read_at_the_nearest_samples_and_brought_to_the_intervals_length() -> None:
    grown = increases(STEADY, "processes", BEGIN, END)
    assert grown["gateway", "cpu_s"] == pytest.approx(0.5 * 10)
    assert grown["sweeper", "cpu_s"] == pytest.approx(1.03 * 10 / 10.3)


@pytest.mark.parametrize("span", [(10, 10), (30, 40), (0, 7), (40, 30)])
def test_without_a_sample_near_both_ends_there_is_no_growth(span: tuple[int, int]) -> None:
    assert increases(STEADY, "processes", span[0] * S, span[1] * S) == {}
    assert increases(STEADY, "memory", BEGIN, END) == {}
    assert increases(np.empty(0, PROBES), "processes", BEGIN, END) == {}


def queue(*values: tuple[float, float]) -> np.ndarray:
    return samples(*((at, "queue", "broker", "queued_tasks", value) for at, value in values))


def test_a_mean_length_is_that_of_the_samples_within() -> None:
    table = queue((9.99, 100), (10.0, 1), (12.3, 5), (19.99, 9), (20.0, 100))
    assert level(table, "broker", "queued_tasks", BEGIN, END) == Level(5.0, 9.0, 3)
    assert level(table, "broker", "waiting_rows", BEGIN, END) is None
    assert level(table, "broker", "queued_tasks", 30 * S, 40 * S) is None
    found = queue_length(table, "queued_tasks", BEGIN, END)
    assert found is not None
    assert (found.mean, found.max, found.samples) == (5.0, 9.0, 3)
    assert queue_lengths(table, BEGIN, END) == {"queued_tasks": found}


def test_littles_law_holds_for_random_instants_and_fails_for_ones_in_step() -> None:
    """An M/D/1-like queue, and one whose customers come every 100 ms and stay 30: L = lambda W = 0.3 either way."""
    rng = np.random.default_rng(5)
    arrivals = np.arange(10.0, 20.0, 0.1)

    def length(at: np.ndarray) -> np.ndarray:
        return ((arrivals <= at[:, None]) & (at[:, None] < arrivals + 0.03)).sum(axis=1)

    periods = np.arange(10.0, 20.0, 0.1)
    instants = {"random": periods + rng.random(100) * 0.1, "in step": periods + 0.05}
    means = {}
    for name, at in instants.items():
        found = queue_length(queue(*zip(at, length(at), strict=True)), "queued_tasks", BEGIN, END)
        assert found is not None
        means[name] = found.mean
    # 100 draws of probability 0.3: three standard errors are 0.14.
    assert means["random"] == pytest.approx(0.3, abs=0.14)
    assert means["in step"] == 0.0


def test_the_sample_nearest_to_an_instant_is_found() -> None:
    table = samples(*((at, "memory", "gateway", "proportional_bytes", at) for at in (1.0, 10.0, 20.1)))
    assert latest(table, "proportional_bytes", END) == {"gateway": 20.1}
    assert latest(table, "proportional_bytes", 0) == {"gateway": 1.0}
    assert latest(table, "unshared_bytes", 0) == {}


SOME = Carried(2000, 100, 500_000)
NOTE = ProbeNote(samples=3, cpu_s=0.05)

#: Part, figure -> what it grows by within the window.
GROWS = {
    "processes": {
        ("gateway", "voluntary_switches"): 300,
        ("gateway", "involuntary_switches"): 100,
        ("gateway", "read_write_calls"): 5000,
        ("probes", "cpu_s"): 0.03,
        ("worker_parents", "cpu_s"): 1.0,
        ("worker_children", "cpu_s"): 3.0,
        ("swarm", "cpu_s"): 9.0,
    },
    "broker": {
        ("broker", "commands"): 700,
        ("broker", "command:evalsha"): 200,
        ("broker", "command:lpush"): 0,
        ("broker", "input_bytes"): 50_000,
        ("broker", "output_bytes"): 40_000,
        ("gateway", "redis_commands"): 600,
        ("gateway", "redis_sent_bytes"): 49_000,
        ("gateway", "redis_received_bytes"): 1_000,
    },
    "wire": {("probes", "cpu_s"): 0.01, ("swarm", "sent_bytes"): 100_000, ("swarm", "received_bytes"): 2_000},
}


def observed(*probes: str) -> np.ndarray:
    rows: list[Any] = []
    for probe in probes:
        for (part, figure), grown in GROWS[probe].items():
            rows += [(at, probe, part, figure, 7 + grown * (at - 10) / 10) for at in (10.0, 20.0)]
    if "processes" in probes:
        levels = {5.0: 50e6, 10.0: 80e6, 15.0: 100e6, 20.0: 500e6}
        rows += [(at, "processes", "gateway", "resident_bytes", value) for at, value in levels.items()]
    return samples(*rows)


def costs(table: np.ndarray, carried: Carried = SOME, **more: Any) -> dict[str, Any]:
    given = {
        "window": (BEGIN, END),
        "cpu_s": {"gateway": 0.5, "workers": 4.0, "swarm": 1.0},
        "probes": {str(name): NOTE for name in np.unique(table["probe"])},
        "wall_s": 15.0,
        **more,
    }
    tables = made.tables(made.batches(), made.results())._replace(probes=table)
    return cost(made.record(**given), tables, carried)


def test_costs_are_growth_divided_by_what_was_carried() -> None:
    found = costs(observed("processes", "broker", "wire"))
    assert found["cpu_s_per_million_records"] == {
        "gateway": 250.0, "workers": 2000.0, "swarm": 500.0, "worker_parents": 500.0, "worker_children": 1500.0,
        "probes": pytest.approx(20.0),
    }  # fmt: skip
    assert found["context_switches_per_thousand_records"] == {"gateway": 200.0}
    assert found["involuntary_switches_per_thousand_records"] == {"gateway": 50.0}
    assert found["read_write_calls_per_thousand_records"] == {"gateway": 2500.0}
    assert found["redis_commands_per_batch"] == {"gateway": 6.0}
    assert found["redis_commands_per_batch_by_name"] == {"evalsha": 2.0}
    assert found["redis_bytes_per_record"] == {"gateway": 25.0}
    assert found["wire_bytes_per_record"] == {
        "agents_to_gateway": 50.0, "gateway_to_agents": 1.0, "into_broker": 25.0, "out_of_broker": 20.0, "loopback": None,
    }  # fmt: skip
    assert found["resident_bytes"] == {"gateway": 90e6}  # the mean of 80 and 100: 500 is no longer within
    assert found["gateway_resident_bytes_per_connection"] == (90e6 - 50e6) / 2
    assert found["probes_cpu_ratio"] == pytest.approx(0.04 / 10)


def test_what_cannot_be_given_is_none_and_says_why() -> None:
    note = ProbeNote(samples=0, cpu_s=0.0, missing={"syscalls": "tracefs isn't mounted"})
    ill = ProbeNote(samples=0, cpu_s=0.0, failures={"the broker didn't answer": 9})
    found = costs(observed("processes"), probes={"processes": NOTE, "syscalls": note, "broker": ill})
    assert found["syscalls_per_thousand_records"] is None
    assert found["missing"] == {
        "syscalls_per_thousand_records": "tracefs isn't mounted",
        "tcp_segments_per_record": "the probe wire wasn't asked for",
        "redis_bytes_per_record": "the broker didn't answer",
        "redis_commands_per_batch": "the broker didn't answer",
        "redis_commands_per_batch_by_name": "the broker didn't answer",
        "proportional_bytes": "the probe memory wasn't asked for",
        "unshared_bytes": "the probe memory wasn't asked for",
        "wire_bytes_per_record.agents_to_gateway": "the probe wire wasn't asked for",
        "wire_bytes_per_record.gateway_to_agents": "the probe wire wasn't asked for",
        "wire_bytes_per_record.into_broker": "the broker didn't answer",
        "wire_bytes_per_record.out_of_broker": "the broker didn't answer",
        "wire_bytes_per_record.loopback": "the probe wire wasn't asked for",
    }


def test_where_nothing_was_carried_no_cost_a_record_is_given() -> None:
    found = costs(observed("processes", "broker", "wire"), Carried(0, 0, 0))
    assert set(found["cpu_s_per_million_records"].values()) == {None}
    assert found["missing"]["context_switches_per_thousand_records"] == "nothing was carried in the window"
    assert found["resident_bytes"] == {"gateway": 90e6}


def test_a_result_from_before_there_were_probes_has_the_cpu_time_that_it_had() -> None:
    found = costs(np.empty(0, PROBES), probes=None)
    assert found["cpu_s_per_million_records"] == {"gateway": 250.0, "workers": 2000.0, "swarm": 500.0}
    assert set(found["missing"].values()) == {"the result is from before there were probes"}
    assert found["probes_cpu_ratio"] is None
