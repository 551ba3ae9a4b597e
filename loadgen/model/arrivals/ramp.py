"""Ramp: a Poisson process whose rate rises, or falls, evenly from one value to another and then stays.

For the load at which a system's queue begins to grow, in one trial. The times are exact, by inversion: with
a = from_rate_per_s, b = to_rate_per_s and T = over_s the records expected until t <= T are

    L(t) = a t + (b - a) t**2 / (2 T)        hence        t = 2 L / (a + sqrt(a**2 + 2 (b - a) L / T)),

in the form of the root that subtracts nothing where the ramp rises; after T, L(t) = L(T) + b (t - T).
"""

from collections.abc import Iterator

import numpy as np
from msgspec import structs

from loadgen.model.arrivals.inversion import Floats, units
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


class Ramp(OpenLoopProcess, frozen=True, kw_only=True, tag="ramp"):
    """From `from_rate_per_s` at the load's start to `to_rate_per_s` after `over_s` seconds, and that from then on.

    Rates: records a second, each agent.
    """

    from_rate_per_s: Rate
    to_rate_per_s: PositiveRate
    over_s: Time

    def __post_init__(self) -> None:
        check_rate(self.from_rate_per_s, "from_rate_per_s", least=0.0)
        check_rate(self.to_rate_per_s, "to_rate_per_s")
        check_time(self.over_s, "over_s")

    def mean_rate_per_s(self) -> float:
        """Gives the rate after the ramp, which is all that counts over a long time; `expected_records` has the ramp."""
        return self.to_rate_per_s

    def scaled(self, factor: float) -> OpenLoopProcess:
        return structs.replace(
            self, from_rate_per_s=self.from_rate_per_s * factor, to_rate_per_s=self.to_rate_per_s * factor
        )

    def expected_records(self, horizon_ns: int) -> float:
        horizon_s = horizon_ns / NS_PER_S
        ramp_s = min(horizon_s, self.over_s)
        slope = (self.to_rate_per_s - self.from_rate_per_s) / self.over_s
        return ramp_s * (self.from_rate_per_s + slope * ramp_s / 2.0) + self.to_rate_per_s * (horizon_s - ramp_s)

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        check_block(block)
        latest_ns = 0
        for at in units(Draws(seed, "arrivals", agent), block):
            times_ns = np.minimum(self._times_s(at) * NS_PER_S, END_NS).astype(np.int64)
            # Numerator and denominator both rise, so two arrivals a rounding apart may come out the wrong way round.
            times_ns[0] = max(int(times_ns[0]), latest_ns)
            np.maximum.accumulate(times_ns, out=times_ns)
            latest_ns = int(times_ns[-1])
            yield times_ns

    def _times_s(self, at: Floats) -> Floats:
        """Gives the times at which the records expected reach `at`."""
        a, b, over_s = self.from_rate_per_s, self.to_rate_per_s, self.over_s
        at_end = (a + b) / 2.0 * over_s
        on_ramp = np.minimum(at, at_end)
        # Where the ramp falls the root's argument may round to below 0 at its end.
        root = a + np.sqrt(np.maximum(a * a + 2.0 * (b - a) * on_ramp / over_s, 0.0))
        # The root is 0 only with a = 0 at L = 0, which is t = 0.
        ramp_s = np.minimum(2.0 * on_ramp / np.where(root > 0.0, root, 1.0), over_s)
        return np.where(at < at_end, ramp_s, over_s + (at - on_ramp) / b)
