"""MMPP: a Poisson process whose rate is that of a state, and the states follow one another as a Markov chain.

Load that changes on several scales at once: a quiet state for minutes, a busy one for seconds, a storm for one. A state
lasts an exponential time with its own mean; then each of the others is as likely as another. So each is held for a
share of time in proportion to its mean, an agent begins in one of them with these shares, and the mean rate holds from
the first second on.

Source: H. Heffes, D. M. Lucantoni, "A Markov modulated characterization of packetized voice and data traffic", IEEE
Journal on Selected Areas in Communications 4 (1986); W. Fischer, K. Meier-Hellstern, "The Markov-modulated Poisson
process cookbook", Performance Evaluation 18 (1993).
"""

from collections.abc import Iterator

import numpy as np

from loadgen.model.arrivals.exponential import exponential
from loadgen.model.arrivals.inversion import Pieces, Stretch, units
from loadgen.model.arrivals.process import (
    BLOCK,
    END_NS,
    NS_PER_S,
    OpenLoopProcess,
    Times,
    check_block,
    check_rate,
    check_time,
)
from loadgen.model.draws import Draws, weigh

#: States drawn at once.
STRETCH = 64


class Mmpp(OpenLoopProcess, frozen=True, kw_only=True, tag="mmpp"):
    """`states`: (records a second, mean seconds) of each state, two or more; a rate may be 0, not all of them."""

    states: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.states) < 2:
            raise ValueError(
                f"arrivals.states must have two states or more, got {len(self.states)}; with one rate it is"
                ' kind = "poisson"'
            )
        for rate_per_s, mean_s in self.states:
            check_rate(rate_per_s, "states", least=0.0)
            check_time(mean_s, "states")
        check_rate(self.mean_rate_per_s(), "states")

    def mean_rate_per_s(self) -> float:
        return sum(rate * mean_s for rate, mean_s in self.states) / sum(mean_s for _, mean_s in self.states)

    def scaled(self, factor: float) -> OpenLoopProcess:
        return Mmpp(states=tuple((rate * factor, mean_s) for rate, mean_s in self.states))

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        return self.blocks_until(seed, agent, block, END_NS)

    def blocks_until(self, seed: int, agent: int, block: int, until_ns: int) -> Iterator[Times]:
        check_block(block)
        pieces = Pieces(self._stretches(Draws(seed, "arrivals", agent, "states")), until_ns)
        for at in units(Draws(seed, "arrivals", agent), block):
            yield pieces.times_ns(at)

    def _stretches(self, draws: Draws) -> Iterator[Stretch]:
        rates_per_s, means_s = (np.array(column) for column in zip(*self.states, strict=True))
        state = draws.weighted(weigh(list(enumerate(means_s.tolist()))))
        while True:
            # A step of 1 to n - 1 places on: each other state is as likely as another.
            steps = [1 + draws.below(len(self.states) - 1) for _ in range(STRETCH)]
            states = np.cumsum([state, *steps]) % len(self.states)
            state = int(states[-1])
            held = states[:-1]
            lengths_ns = exponential(draws.words(STRETCH)) * (means_s[held] * NS_PER_S)
            yield Stretch(lengths_ns, rates_per_s[held])
