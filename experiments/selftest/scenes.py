"""The trials that the self-test plays: each a load and a system whose behaviour can be computed.

All run through the real swarm, gateway, broker and Celery, with the engine `emulated`, whose service times are drawn again by
the checks. Service times are long enough that what Celery adds to a task (about 2 ms) is small against them, and one batch is
one task (`coalesce = 1`). A batch of one record is cut at its arrival, so that a Poisson stream of records is one of tasks.
"""

from pathlib import Path
from typing import Final, NamedTuple

from experiments.design.config import decode
from experiments.design.experiment import Cell
from experiments.design.plan import Trial

_BASE: Final = """
[experiment]
name = "selftest"
replicates = 1
[swarm]
agents = {agents}
batch_size = {batch_size}
timeout_s = {timeout_s}
arrivals = {arrivals}
[swarm.records]
attack_ratio = 0.0
ring_size = 1024
[system]
profile = "tuned"
engine = "emulated"
coalesce = 1
worker_concurrency = {children}
[system.emulated]
distribution = "{distribution}"
service_s = {service_s}
seed = 1905
[trial]
warmup_s = {warmup_s}
measure_s = {measure_s}
cooldown_s = {cooldown_s}
[probes]
period_s = 0.05
{faults}
"""


class Scene(NamedTuple):
    """One trial. `measure_s` and `quick_s`: how long it is measured, in full and with --quick."""

    name: str
    measure_s: float
    quick_s: float
    agents: int
    arrivals: str
    distribution: str
    service_s: float
    children: int = 1
    batch_size: int = 1
    timeout_s: float = 0.5
    warmup_s: float = 1.0
    cooldown_s: float = 0.0
    faults: str = ""

    def trial(self, index: int, *, quick: bool, seed: int) -> Trial:
        """The trial that plays it."""
        told = self._asdict() | {"measure_s": self.quick_s if quick else self.measure_s}
        made = decode(_BASE.format(**told), source=f"scene {self.name}", folder=Path())
        cell = Cell(index=index, levels={"scene": self.name})
        return Trial(index=index, block=0, cell=cell, replicate=0, seed=seed, config=made.configs[0])


#: The stall of the scenes that have one: workers stand still for a second, two seconds into the window.
STALL_S: Final = 1.0
_STALL: Final = f'[[faults]]\nkind = "stall"\nat_s = 3.0\nfor_s = {STALL_S}\n'

_POISSON: Final = '{{ kind = "poisson", rate_per_s = {0} }}'

SCENES: Final = {
    one.name: one
    for one in (
        # 20 tasks/s at one server of 25 ms: half busy, and 60 % with what Celery adds. Nearer to 1 a tenth of a millisecond
        # of overhead that isn't known would be seen as percents of waiting.
        Scene("one server", 90.0, 18.0, 10, _POISSON.format(2.0), "exponential", 0.025),
        Scene("constant service", 60.0, 10.0, 10, _POISSON.format(2.0), "constant", 0.025),
        # 45 tasks/s at two servers of 25 ms.
        Scene("two servers", 60.0, 12.0, 10, _POISSON.format(4.5), "exponential", 0.025, children=2),
        # 16 records are expected within TIMEOUT and 20 fill a batch: both limits cut.
        Scene("batching", 20.0, 6.0, 100, _POISSON.format(20.0), "constant", 0.002,
              children=2, batch_size=20, timeout_s=0.8, cooldown_s=1.0),
        # A batch every 20 ms, 5 ms each: after a second's stall 50 wait, and are worked off within half a second.
        Scene("stall, open loop", 8.0, 8.0, 1, '{ kind = "constant", rate_per_s = 2500.0 }', "constant", 0.005,
              batch_size=50, faults=_STALL),
        # The same with a load that keeps 4 batches in the system: about 1,000 batches in the window.
        Scene("stall, closed loop", 8.0, 8.0, 4, '{ kind = "saturate", window_batches = 4 }', "constant", 0.005,
              batch_size=50, faults=_STALL),
    )
}  # fmt: skip

#: Left out by --quick: the recursion is checked with exponential services, which are harder.
FULL_ONLY: Final = ("constant service",)
