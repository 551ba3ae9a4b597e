"""A micro-benchmark of schedule planning: every batch of a Poisson fleet, drawn and cut."""

from typing import Any

from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass
from loadgen.model.schedule import of_fleet

FLEET = AgentClass(name="all", agents=20, arrivals=Poisson(rate_per_s=1000.0), batch_size=100, timeout_s=0.5)


def test_20000_records_of_20_agents(counted: Any) -> None:
    found = counted(lambda: of_fleet((FLEET,), seed=3, horizon_s=1.0))
    assert abs(found.records - 20_000) < 1000
