"""On and off: bursts of records with pauses, or with a quiet rate, between them.

What a node does whose load comes in jobs: means are small and bursts are not (an sshd log of 0.003 lines a second had
136 in its fullest one). TIMEOUT cuts its batches while it is quiet and BATCH_SIZE within a burst. Each agent's bursts
are its own; an agent begins anywhere in its cycle, so the mean holds from the first second on.

Source: the interrupted Poisson process of A. Kuczura, "The interrupted Poisson process as an overflow process", Bell
System Technical Journal 52 (1973); with `times = "fixed"` a square wave.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from msgspec import structs

from loadgen.model.arrivals.exponential import exponential
from loadgen.model.arrivals.inversion import Pieces, Stretch, units
from loadgen.model.arrivals.process import (
    BLOCK,
    END_NS,
    NS_PER_S,
    OpenLoopProcess,
    PositiveRate,
    Rate,
    Time,
    Times,
    check_block,
    check_rate,
    check_time,
)
from loadgen.model.draws import Draws

#: On and off times drawn at once. Even, so that each stretch begins in the same state.
STRETCH = 64


class OnOff(OpenLoopProcess, frozen=True, kw_only=True, tag="onoff"):
    """A Poisson process of `on_rate_per_s` for `on_s`, then of `off_rate_per_s` for `off_s`, and so on.

    `on_s`, `off_s`: mean seconds of each; `times` draws them from the exponential distribution, or takes them as they
    are.
    """

    on_rate_per_s: PositiveRate
    on_s: Time
    off_s: Time
    off_rate_per_s: Rate = 0.0
    times: Literal["exponential", "fixed"] = "exponential"

    def __post_init__(self) -> None:
        check_rate(self.on_rate_per_s, "on_rate_per_s")
        check_rate(self.off_rate_per_s, "off_rate_per_s", least=0.0)
        check_time(self.on_s, "on_s")
        check_time(self.off_s, "off_s")

    def mean_rate_per_s(self) -> float:
        return (self.on_rate_per_s * self.on_s + self.off_rate_per_s * self.off_s) / (self.on_s + self.off_s)

    def scaled(self, factor: float) -> OpenLoopProcess:
        return structs.replace(
            self, on_rate_per_s=self.on_rate_per_s * factor, off_rate_per_s=self.off_rate_per_s * factor
        )

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        return self.blocks_until(seed, agent, block, END_NS)

    def blocks_until(self, seed: int, agent: int, block: int, until_ns: int) -> Iterator[Times]:
        check_block(block)
        pieces = Pieces(self._stretches(Draws(seed, "arrivals", agent, "states")), until_ns)
        for at in units(Draws(seed, "arrivals", agent), block):
            yield pieces.times_ns(at)

    def _stretches(self, draws: Draws) -> Iterator[Stretch]:
        """The states from time 0, at which the cycle has been going on for ever."""
        place_s = draws.uniform() * (self.on_s + self.off_s)
        is_on = place_s < self.on_s
        means_s = [self.on_s, self.off_s] if is_on else [self.off_s, self.on_s]
        rates = [self.on_rate_per_s, self.off_rate_per_s] if is_on else [self.off_rate_per_s, self.on_rate_per_s]
        means_ns = np.tile(np.array(means_s) * NS_PER_S, STRETCH // 2)
        rates_per_s = np.tile(np.array(rates), STRETCH // 2)
        if self.times == "exponential":
            while True:  # what is left of an exponential time is distributed as the whole
                yield Stretch(exponential(draws.words(STRETCH)) * means_ns, rates_per_s)
        left_s = (self.on_s if is_on else self.on_s + self.off_s) - place_s
        yield Stretch(np.array([left_s * NS_PER_S]), rates_per_s[:1])
        while True:
            yield Stretch(np.roll(means_ns, -1), np.roll(rates_per_s, -1))
