"""Arrival processes: when the records of one agent arrive.

Flow: a config's `[swarm.arrivals]` table -> one struct of the registry, chosen by `kind` -> arrival times, which
`loadgen.model.batching` cuts into batches. An extension point: a new process is one new file with one subclass of
`OpenLoopProcess`, and one line in `registry.py` (or the entry-point group "caudal.arrivals" of an installed package).

Invariants: times are integer nanoseconds since the trial's start, sorted, and depend on nothing but the struct, the
seed and the agent: neither on how many are taken at a time nor on the processor. A process that was constructed can be
used: what its values could make fail is refused by `__post_init__`, at decode. Endless streams are given in blocks, so
that memory doesn't grow with the horizon.
"""

import math
from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]

#: Nanoseconds a second.
NS_PER_S = 1_000_000_000

#: Arrivals a block, unless told: 512 KiB of times, which a core's second-level cache still holds.
BLOCK = 65_536

#: The end of time, 146 years: an arrival after it is given as this, and horizons and deadlines stay below 2**63.
END_NS = 2**62

#: The rates of one agent that integer nanoseconds can express: from a record in 31 years to one a nanosecond.
LEAST_RATE_PER_S = 1e-9
GREATEST_RATE_PER_S = 1e9


class ArrivalProcess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What each `kind` of `[swarm.arrivals]` has: the class says whether its arrivals wait for anything."""

    #: True: arrivals have times of their own and never wait for answers. False: full load, closed on the system's
    #: results.
    open_loop: ClassVar[bool]


class OpenLoopProcess(ArrivalProcess, frozen=True, kw_only=True):
    """A process whose arrival times are drawn; subclasses give `mean_rate_per_s` and `blocks`."""

    open_loop: ClassVar[bool] = True

    def mean_rate_per_s(self) -> float:
        """Gives the records a second of one agent, over a long time."""
        raise NotImplementedError(f"{type(self).__name__} must give mean_rate_per_s")

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        """Gives the endless sorted arrival times of one agent, in nanoseconds, `block` at a time.

        Args:
            seed: the trial's seed, any integer.
            agent: the agent's number, from 0; each has a stream of its own.
            block: arrivals an array; the times don't depend on it.
        """
        raise NotImplementedError(f"{type(self).__name__} must give blocks")

    def draw(self, seed: int, agent: int, horizon_ns: int) -> Times:
        """Gives all arrivals of one agent before `horizon_ns`, none at it; empty if there are none.

        For a long trial `blocks` needs less memory: this holds 8 bytes a record.
        """
        if not 0 <= horizon_ns <= END_NS:
            raise ValueError(f"horizon_ns must be between 0 and {END_NS} (146 years), got {horizon_ns}")
        expected = self.mean_rate_per_s() * horizon_ns / NS_PER_S
        # Four standard deviations of a Poisson count above the mean: one block is nearly always enough, also for the
        # hundred thousand agents of a few records each for which a whole BLOCK would be drawn in vain.
        block = min(BLOCK, math.ceil(expected + 4.0 * math.sqrt(expected)) + 4)
        taken = []
        for times in self.blocks(seed, agent, block):
            if times[-1] >= horizon_ns:
                taken.append(times[: np.searchsorted(times, horizon_ns)])
                break
            taken.append(times)
        return np.concatenate(taken)


def check_rate(rate_per_s: float) -> None:
    """Refuses a `rate_per_s` that no agent can have.

    Raises:
        ValueError: it is 0 or less, not a number, infinite, or beyond what integer nanoseconds express.
    """
    if not (math.isfinite(rate_per_s) and rate_per_s > 0.0):
        raise ValueError(
            f"arrivals.rate_per_s must be > 0 and finite, got {rate_per_s}; give the records a second of one agent, or"
            ' kind = "saturate" for full load'
        )
    if not LEAST_RATE_PER_S <= rate_per_s <= GREATEST_RATE_PER_S:
        raise ValueError(
            f"arrivals.rate_per_s must be between {LEAST_RATE_PER_S:g} and {GREATEST_RATE_PER_S:g}, got {rate_per_s};"
            " times are whole nanoseconds: spread a higher rate over more agents"
        )


def check_block(block: int) -> None:
    """Refuses a block that holds no arrival."""
    if block < 1:
        raise ValueError(f"block must be >= 1 arrival, got {block}")
