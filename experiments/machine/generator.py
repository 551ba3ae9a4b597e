"""What the load generator reaches on this machine: a schedule kept, and full speed, against a sink.

For `caudal doctor`. Two short loads: 2,000 flushes a second for its lag, and a backlog of full batches for its rate.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from experiments.deploy.placement import available
from experiments.deploy.process import ProcessError
from experiments.machine.calibration import Calibration, calibrate
from experiments.machine.doctor import Finding, judged
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.fleet import AgentClass
from loadgen.spec import RecordsSpec, SwarmSpec

#: The lag at which a swarm no longer keeps its schedule: a flush comes every 0.5 ms.
MOST_LAG_NS: Final = 1_000_000

#: 20 agents of 1,000 records/s in batches of 10: 2,000 flushes/s.
PACED: Final = AgentClass(name="paced", agents=20, arrivals=Poisson(rate_per_s=1000.0), batch_size=10, timeout_s=0.5)
#: A million records, 250 MB.
FULL: Final = AgentClass(name="full", agents=20, arrivals=Drain(backlog_batches=1000), batch_size=1000, timeout_s=0.5)


def spec_of(kind: AgentClass, folder: Path, horizon_s: float) -> SwarmSpec:
    """One process that plays one class of agents; few records are rendered, so that it begins soon."""
    return SwarmSpec(
        host="", port=0, folder=str(folder), rows_progress="", epoch=1, seed=7, classes=(kind,), inflight_batches=64,
        buffer_batches=10_000, horizon_s=horizon_s, records=RecordsSpec(mix={"web": 1.0}, ring_size=2048),
    )  # fmt: skip


def measure(kind: AgentClass, horizon_s: float, watch: Callable[[str], None]) -> Calibration:
    """Plays one class against a sink, each on a CPU of its own where there are two. Raises: ProcessError."""
    cpus = available()
    with tempfile.TemporaryDirectory(prefix="caudal-generator-") as folder:
        spec = spec_of(kind, Path(folder), horizon_s)
        return calibrate(spec, cpus=cpus[:1], sink_cpus=cpus[1:2], watch=watch)


def generator(watch: Callable[[str], None] = lambda _: None) -> Iterator[Finding]:
    """What the swarm reaches here, as the doctor tells it. `watch` is told what is being done."""
    try:
        yield paced(measure(PACED, 2.0, lambda said: watch(f"the swarm at 2,000 flushes/s: {said}")))
        yield full(measure(FULL, 1.0, lambda said: watch(f"the swarm at full speed: {said}")))
    except ProcessError as error:
        yield Finding("stop", f"the swarm doesn't run here: {error}")


def paced(found: Calibration) -> Finding:
    """Whether the swarm keeps a schedule."""
    late_ns = found.lag["late_p99_ns"]
    return judged(
        late_ns <= MOST_LAG_NS,
        f"the swarm keeps {found.batches / found.seconds:,.0f} flushes/s: p99 {late_ns / 1e6:.2f} ms late,"
        f" {found.cpu_s / found.seconds:.2f} of a core",
        "what it is late is in every response time; stop what else runs, or give it a core of its own",
    )


def full(found: Calibration) -> Finding:
    """How much it sends at most."""
    return Finding(
        "good",
        f"the swarm sends up to {found.records / found.seconds:,.0f} records/s, {found.bytes / found.seconds / 1e9:.2f}"
        f" GB/s in batches of {found.records // found.batches}, where nothing holds it up",
    )
