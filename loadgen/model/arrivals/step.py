"""Step: a Poisson process whose rate is constant until given times.

For a load that changes at known instants: a day's hours in seconds, a jump to see how long the queue takes to empty
again. The times are exact, by inversion.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from loadgen.model.arrivals.inversion import Pieces, Stretch, units
from loadgen.model.arrivals.process import (
    BLOCK,
    NS_PER_S,
    OpenLoopProcess,
    Times,
    check_block,
    check_rate,
    check_time,
)
from loadgen.model.draws import Draws


class Step(OpenLoopProcess, frozen=True, kw_only=True, tag="step"):
    """`steps`: (until_s, records a second) with rising `until_s`; the last rate goes on after its time. Rates may be 0."""

    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError(
                "arrivals.steps must have a step, got []; give [until_s, rate_per_s] of each, for example"
                " [[10.0, 50.0], [20.0, 500.0]]"
            )
        for until_s, rate_per_s in self.steps:
            check_time(until_s, "steps")
            check_rate(rate_per_s, "steps", least=0.0)
        for (before_s, _), (until_s, _) in pairwise(self.steps):
            if until_s <= before_s:
                raise ValueError(
                    f"arrivals.steps must have rising times, got {until_s:g} after {before_s:g}; each is [until_s,"
                    " rate_per_s], counted from the load's start"
                )
        if not any(rate for _, rate in self.steps):
            raise ValueError(
                "arrivals.steps must have a rate above 0, got 0 for each; give the records a second of one agent"
            )

    def mean_rate_per_s(self) -> float:
        """Gives the last rate, which is all that counts over a long time; `expected_records` has the steps."""
        return self.steps[-1][1]

    def scaled(self, factor: float) -> OpenLoopProcess:
        return Step(steps=tuple((until_s, rate * factor) for until_s, rate in self.steps))

    def expected_records(self, horizon_ns: int) -> float:
        horizon_s = horizon_ns / NS_PER_S
        begins_s = [0.0, *(until_s for until_s, _ in self.steps[:-1])]
        ends_s = [*begins_s[1:], max(horizon_s, begins_s[-1])]
        return sum(
            rate * max(0.0, min(end_s, horizon_s) - begin_s)
            for begin_s, end_s, (_, rate) in zip(begins_s, ends_s, self.steps, strict=True)
        )

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        check_block(block)
        ends_ns = np.array([until_s for until_s, _ in self.steps]) * NS_PER_S
        lengths_ns = np.diff(ends_ns, prepend=0.0)
        lengths_ns[-1] = np.inf
        pieces = Pieces(iter([Stretch(lengths_ns, np.array([rate for _, rate in self.steps]))]))
        for at in units(Draws(seed, "arrivals", agent), block):
            yield pieces.times_ns(at)
