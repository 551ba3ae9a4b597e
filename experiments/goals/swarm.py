"""The load generator by itself: bytes a CPU second against a sink, records planned a CPU second, memory of many agents."""

import os
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from experiments.machine.generator import FULL, measure, spec_of
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass
from loadgen.model.schedule import of_fleet
from loadgen.swarm import Swarm

#: 20 agents of 50,000 records a second for 20 s, in batches of 1000: 20 million records.
PLANNED: Final = AgentClass(
    name="all", agents=20, arrivals=Poisson(rate_per_s=50_000.0), batch_size=1000, timeout_s=0.5
)
#: A fleet with ten seconds' schedule.
MANY: Final = AgentClass(name="all", agents=100_000, arrivals=Poisson(rate_per_s=0.2), batch_size=100, timeout_s=2.0)


def bytes_a_cpu_second() -> float:
    """Bytes of pre-rendered batches of 1000 that a swarm sends, a CPU second."""
    found = measure(FULL, 1.0, lambda _: None)
    return found.bytes / found.cpu_s


def planned_a_cpu_second() -> float:
    """Records whose arrivals are drawn and cut into batches, a CPU second."""
    begun = time.process_time()
    records = of_fleet((PLANNED,), seed=3, horizon_s=20.0).records
    return records / (time.process_time() - begun)


def agents_bytes() -> float:
    """Resident memory of a swarm process that holds 100,000 agents over 20 connections, with their schedule."""
    with TemporaryDirectory(prefix="caudal-goals-") as folder:
        spec = msgspec.structs.replace(spec_of(MANY, Path(folder), 10.0), agents_per_connection=5000)
        pid = os.fork()
        if pid == 0:
            try:
                swarm = Swarm(spec)
                os._exit(swarm.plan() is None)
            finally:
                os._exit(1)
        used: resource.struct_rusage
        _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError("the swarm of 100,000 agents failed; see its traceback above")
    return used.ru_maxrss * 1024.0
