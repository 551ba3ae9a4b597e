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
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

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

#: The times a process knows: up to eleven days, as every duration in a config, and from a millisecond on. Shorter states
#: than that nothing here could tell from a mean rate, and they would be drawn by the million.
LEAST_TIME_S = 1e-3
GREATEST_TIME_S = 1e6

#: Keys of a config. Their limits are checked again at construction (`check_rate`, `check_time`), which knows no
#: annotations.
Rate = Annotated[float, msgspec.Meta(ge=0, le=GREATEST_RATE_PER_S)]
PositiveRate = Annotated[float, msgspec.Meta(gt=0, le=GREATEST_RATE_PER_S)]
Time = Annotated[float, msgspec.Meta(ge=LEAST_TIME_S, le=GREATEST_TIME_S)]


class ArrivalProcess(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What each `kind` of `[swarm.arrivals]` has: the class says whether its arrivals wait for anything."""

    #: True: arrivals have times of their own and never wait for answers. False: full load, closed on the system's
    #: results.
    open_loop: ClassVar[bool]

    #: Whether it offers the same at all times, so that what is carried must be steady too.
    is_steady: ClassVar[bool] = False


class OpenLoopProcess(ArrivalProcess, frozen=True, kw_only=True):
    """A process whose arrival times are drawn; subclasses give `mean_rate_per_s`, `scaled` and `blocks`."""

    open_loop: ClassVar[bool] = True

    def mean_rate_per_s(self) -> float:
        """Gives the records a second of one agent, over a long time."""
        raise NotImplementedError(f"{type(self).__name__} must give mean_rate_per_s")

    def scaled(self, factor: float) -> "OpenLoopProcess":
        """Gives the same process with `factor` times the arrivals, the times of its states as they are."""
        raise NotImplementedError(f"{type(self).__name__} must give scaled")

    def expected_records(self, horizon_ns: int) -> float:
        """Gives the records that one agent is expected to have before `horizon_ns`."""
        return self.mean_rate_per_s() * horizon_ns / NS_PER_S

    def sources(self) -> dict[str, bytes]:
        """Gives what it reads from files, packed, by a name of its own: sealed with a result. Empty for most."""
        return {}

    def prepared(self, sources: Mapping[str, bytes]) -> "OpenLoopProcess":
        """Gives the process ready to draw any number of agents: itself, where it reads nothing.

        Args:
            sources: what `sources` gave when the load was made; without it a file is read as it is now.
        """
        return self

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        """Gives the endless sorted arrival times of one agent, in nanoseconds, `block` at a time.

        Args:
            seed: the trial's seed, any integer.
            agent: the agent's number, from 0; each has a stream of its own.
            block: arrivals an array; the times don't depend on it.
        """
        raise NotImplementedError(f"{type(self).__name__} must give blocks")

    def blocks_until(self, seed: int, agent: int, block: int, until_ns: int) -> Iterator[Times]:
        """Gives `blocks` that may say END_NS for every arrival at or after `until_ns`.

        A process that draws more than its arrivals, as states, stops there: an agent of a record a year would draw
        states by the million for it.
        """
        return self.blocks(seed, agent, block)

    def draw(self, seed: int, agent: int, horizon_ns: int) -> Times:
        """Gives all arrivals of one agent before `horizon_ns`, none at it; empty if there are none.

        For a long trial `pieces` needs less memory: this holds 8 bytes a record.
        """
        return np.concatenate(list(self.pieces(seed, agent, horizon_ns)))

    def pieces(self, seed: int, agent: int, horizon_ns: int) -> Iterator[Times]:
        """Gives what `draw` gives in pieces of at most BLOCK arrivals; the last may be empty."""
        if not 0 <= horizon_ns <= END_NS:
            raise ValueError(f"horizon_ns must be between 0 and {END_NS} (146 years), got {horizon_ns}")
        expected = self.expected_records(horizon_ns)
        # Four standard deviations of a Poisson count above the mean: one block is nearly always enough, also for the
        # hundred thousand agents of a few records each for which a whole BLOCK would be drawn in vain.
        block = min(BLOCK, math.ceil(expected + 4.0 * math.sqrt(expected)) + 4)
        for times in self.blocks_until(seed, agent, block, horizon_ns):
            if times[-1] >= horizon_ns:
                yield times[: np.searchsorted(times, horizon_ns)]
                return
            yield times


class Stream(msgspec.Struct, frozen=True):
    """One agent's arrivals before a horizon, in pieces: drawn anew each time one goes through them."""

    process: OpenLoopProcess
    seed: int
    agent: int
    horizon_ns: int

    def __iter__(self) -> Iterator[Times]:
        return self.process.pieces(self.seed, self.agent, self.horizon_ns)


def check_rate(rate_per_s: float, key: str = "rate_per_s", least: float = LEAST_RATE_PER_S) -> None:
    """Refuses a rate that no agent can have.

    Args:
        rate_per_s: records a second, each agent.
        key: the key that holds it, for the message.
        least: 0.0 where no records at all is an answer too.

    Raises:
        ValueError: it is 0 or less, not a number, infinite, or beyond what integer nanoseconds express.
    """
    sign = ">" if least else ">="
    if not (math.isfinite(rate_per_s) and (rate_per_s > 0.0 or rate_per_s == least)):
        raise ValueError(
            f"arrivals.{key} must be {sign} 0 and finite, got {rate_per_s}; give the records a second of one agent, or"
            ' kind = "saturate" for full load'
        )
    if rate_per_s != least and not LEAST_RATE_PER_S <= rate_per_s <= GREATEST_RATE_PER_S:
        raise ValueError(
            f"arrivals.{key} must be between {LEAST_RATE_PER_S:g} and {GREATEST_RATE_PER_S:g}, got {rate_per_s};"
            " times are whole nanoseconds: spread a higher rate over more agents"
        )


def check_time(time_s: float, key: str) -> None:
    """Refuses a duration that no trial can have.

    Raises:
        ValueError: it is below LEAST_TIME_S, not a number, or above GREATEST_TIME_S.
    """
    if not LEAST_TIME_S <= time_s <= GREATEST_TIME_S:
        raise ValueError(
            f"arrivals.{key} must be between {LEAST_TIME_S:g} and {GREATEST_TIME_S:g} s, got {time_s}; for what changes"
            " faster give its mean rate"
        )


def check_block(block: int) -> None:
    """Refuses a block that holds no arrival."""
    if block < 1:
        raise ValueError(f"block must be >= 1 arrival, got {block}")
