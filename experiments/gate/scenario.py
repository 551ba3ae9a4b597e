"""The gate's scenarios: a config of experiments/configs, and which figures of its slots are gated.

    gate-heavy     full load, large batches        throughput, CPU a record
    gate-steady    a fixed open-loop rate          CPU a record
    gate-latency   60 % of base's capacity         p99 response time

Any other config can be a scenario too: under full load throughput and CPU are gated, in an open loop p99 and CPU.
"""

from typing import Final

import msgspec

from experiments.design.config import load
from experiments.design.errors import ConfigError
from experiments.design.plan import Trial
from experiments.gate.metric import METRICS, Metric

#: The scenarios of a run that names none, in their order.
DEFAULT: Final = ("gate-heavy", "gate-steady", "gate-latency")

_GATED: Final = {
    "gate-heavy": ("throughput", "cpu"),
    "gate-steady": ("cpu",),
    "gate-latency": ("p99",),
}
#: Scenarios whose rate is this share of what base carries at full load; measured once, by one slot, before the pairs.
_OF_CAPACITY: Final = {"gate-latency": 0.6}


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. `config` is what CONFIG of `caudal run` would be, `slot_s` how long a slot takes, about, in seconds.

    `of_capacity`: the offered load as a share of base's capacity; None where the config says the rate.
    """

    name: str
    config: str
    gated: tuple[str, ...]
    slot_s: float
    of_capacity: float | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The gated metrics."""
        return tuple(METRICS[name] for name in self.gated)


def scenario(config: str) -> Scenario:
    """The scenario of a config's name or path. Raises: ConfigError."""
    experiment = load(config)
    if len(experiment.cells) > 1:
        raise ConfigError(
            f"a gate's scenario must have one cell, got {len(experiment.cells)} of {config} (its [factors]); "
            "leave the factors out"
        )
    settings = experiment.configs[0]
    if settings.deploy.kind != "local" or settings.faults:
        raise ConfigError(
            f"a gate's scenario must start its own system and inject no faults, got {config}; "
            "leave [deploy] and [[faults]] out"
        )
    open_loop = all(one.arrivals.open_loop for one in settings.swarm.fleet())
    trial = Trial(index=0, block=0, cell=experiment.cells[0], replicate=0, seed=0, config=settings)
    return Scenario(
        name=experiment.name,
        config=config,
        gated=_GATED.get(experiment.name, ("p99", "cpu") if open_loop else ("throughput", "cpu")),
        slot_s=trial.expected_s,
        of_capacity=_OF_CAPACITY.get(experiment.name),
    )
