"""Constant: one arrival each period, 1 / `rate_per_s`. The steadiest load there is: what varies is the system.

Agents are out of phase: an agent's first arrival is at a drawn fraction of the period, for agents in step would all
flush in the same instant, which no fleet does. Arrival k is at (fraction + k) * period, computed from k and never
accumulated, so the millionth is as exact as the first.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from loadgen.model.arrivals.process import BLOCK, END_NS, NS_PER_S, OpenLoopProcess, Times, check_block, check_rate
from loadgen.model.draws import Draws


class Constant(OpenLoopProcess, frozen=True, kw_only=True, tag="constant"):
    """Arrivals at (fraction + k) / rate_per_s seconds, k = 0, 1, 2, ...; fraction uniform in [0, 1), drawn for each
    agent.

    `rate_per_s`: records a second, each agent.
    """

    is_steady: ClassVar[bool] = True

    rate_per_s: float

    def __post_init__(self) -> None:
        check_rate(self.rate_per_s)

    def mean_rate_per_s(self) -> float:
        return self.rate_per_s

    def scaled(self, factor: float) -> OpenLoopProcess:
        return Constant(rate_per_s=self.rate_per_s * factor)

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        check_block(block)
        fraction = Draws(seed, "arrivals", agent).uniform()
        period_ns = NS_PER_S / self.rate_per_s
        first = 0
        while True:
            times_ns = (np.arange(first, first + block, dtype=np.float64) + fraction) * period_ns
            yield np.minimum(times_ns, END_NS).astype(np.int64)
            first += block
