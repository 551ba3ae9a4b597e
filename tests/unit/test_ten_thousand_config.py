"""The config `ten-thousand-agents`: 10,000 connections, and every one of them sends within the window."""

import msgspec
import numpy as np

from experiments.design.config import load
from experiments.design.swarm import Swarm
from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.schedule import of_fleet


def senders(swarm: Swarm, warmup_s: float, measure_s: float, cooldown_s: float) -> int:
    """How many agents have a batch cut within the window."""
    plan = of_fleet(
        swarm.fleet(), seed=7, horizon_s=warmup_s + measure_s + cooldown_s, sources={}, agents_per_connection=1,
        processes=1, process=0,
    )  # fmt: skip
    inside = (plan.time_ns >= warmup_s * 1e9) & (plan.time_ns < (warmup_s + measure_s) * 1e9)
    return len(np.unique(plan.agent[inside]))


def test_every_agent_sends_within_the_window() -> None:
    config = load("ten-thousand-agents").configs[-1]
    assert config.swarm.agents == 10_000
    trial = config.trial
    assert senders(config.swarm, trial.warmup_s, trial.measure_s, trial.cooldown_s) == 10_000


def test_by_chance_some_would_not() -> None:
    config = load("ten-thousand-agents").configs[0]
    assert isinstance(config.swarm.arrivals, Constant)
    rate = config.swarm.arrivals.rate_per_s
    swarm = msgspec.structs.replace(config.swarm, arrivals=Poisson(rate_per_s=rate))
    assert 500 < senders(swarm, config.trial.warmup_s, config.trial.measure_s, config.trial.cooldown_s) < 1000
