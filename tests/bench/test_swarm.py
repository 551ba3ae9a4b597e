"""Micro-benchmarks of the load generator: `make bench`, on a quiet machine. Each states the goal that it is held to."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.machine.generator import FULL, MOST_LAG_NS, PACED, measure, spec_of
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass
from loadgen.model.schedule import of_fleet
from loadgen.swarm import Swarm

#: 20 agents of 50,000 records a second for 20 s, in batches of 1000: 20 million records.
PLANNED = AgentClass(name="all", agents=20, arrivals=Poisson(rate_per_s=50_000.0), batch_size=1000, timeout_s=0.5)


def test_2000_flushes_a_second_are_cut_within_1_ms(benchmark: Any) -> None:
    found = benchmark.pedantic(lambda: measure(PACED, 4.0, lambda _: None), rounds=1)
    benchmark.extra_info |= found.lag | {"cores": found.cpu_s / found.seconds}
    assert found.lag["paced"] > 7000
    assert found.lag["late_p99_ns"] <= MOST_LAG_NS


def test_rendered_records_are_sent_at_2_gigabytes_a_cpu_second(benchmark: Any) -> None:
    found = benchmark.pedantic(lambda: measure(FULL, 1.0, lambda _: None), rounds=3)
    rate = found.bytes / found.cpu_s
    benchmark.extra_info |= {"bytes_per_cpu_s": rate, "records_per_s": found.records / found.seconds}
    assert rate >= 2.0e9


def test_20_million_records_are_planned_in_a_second(benchmark: Any) -> None:
    spent = []

    def plan() -> int:
        begun = time.process_time()
        records = of_fleet((PLANNED,), seed=3, horizon_s=20.0).records
        spent.append(time.process_time() - begun)
        return records

    records = benchmark.pedantic(plan, rounds=3)
    assert records == pytest.approx(20_000_000, rel=0.01)
    benchmark.extra_info |= {"records_per_cpu_s": records / min(spent)}
    assert records / min(spent) >= 20e6


def test_100_000_agents_fit_into_1_gigabyte(benchmark: Any, tmp_path: Path) -> None:
    """In a process of its own, over 20 connections, with a schedule of ten seconds."""
    many = AgentClass(name="all", agents=100_000, arrivals=Poisson(rate_per_s=0.2), batch_size=100, timeout_s=2.0)
    spec = msgspec.structs.replace(spec_of(many, tmp_path, 10.0), agents_per_connection=5000)

    def build() -> int:
        pid = os.fork()
        if pid == 0:
            swarm = Swarm(spec)
            assert swarm.plan() is not None
            os._exit(0)
        _, status, used = os.wait4(pid, 0)
        assert status == 0
        return used.ru_maxrss * 1024

    resident_bytes = benchmark.pedantic(build, rounds=1)
    benchmark.extra_info["resident_bytes"] = resident_bytes
    assert resident_bytes < 1e9
