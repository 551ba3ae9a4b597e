"""Trace: arrivals at the times at which the lines of a real log were written, round and round.

What no formula has: the bursts, pauses and hours of the log you name. Each agent begins at an instant of the log that
is drawn for it and goes round, so that a fleet of them isn't in step and the mean rate holds from the first second on.
The log's last line is followed by its first after the mean gap. Times are as exact as the log's: lines of one second
arrive at one instant where the log tells whole seconds.

Only the times are taken; what the records say is `[swarm.records]`, which may name the same file.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np

from loadgen.model.arrivals import timestamps
from loadgen.model.arrivals.process import (
    BLOCK,
    END_NS,
    GREATEST_RATE_PER_S,
    LEAST_RATE_PER_S,
    NS_PER_S,
    OpenLoopProcess,
    Times,
    check_block,
)
from loadgen.model.draws import Draws

#: How much faster or slower a log may be played.
LEAST_SPEED = 1e-6
GREATEST_SPEED = 1e6


class Trace(OpenLoopProcess, frozen=True, kw_only=True, tag="trace"):
    """The times of the lines of the log `path`, `speed` times as fast as they were written.

    `format`: how its timestamps are written (`timestamps`); "auto" looks at the first line.
    """

    path: str
    format: Literal["auto", "apache", "iso8601", "syslog", "seconds"] = "auto"
    speed: Annotated[float, msgspec.Meta(ge=LEAST_SPEED, le=GREATEST_SPEED)] = 1.0

    def __post_init__(self) -> None:
        if not LEAST_SPEED <= self.speed <= GREATEST_SPEED:
            raise ValueError(
                f"arrivals.speed must be between {LEAST_SPEED:g} and {GREATEST_SPEED:g}, got {self.speed}; 2.0 plays"
                " the log twice as fast"
            )

    def mean_rate_per_s(self) -> float:
        return self.prepared({}).mean_rate_per_s()

    def scaled(self, factor: float) -> OpenLoopProcess:
        """Gives the log played faster: its pauses become shorter too."""
        return msgspec.structs.replace(self, speed=self.speed * factor)

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        return self.prepared({}).blocks(seed, agent, block)

    def sources(self) -> dict[str, bytes]:
        """Gives the log's times. Raises: ValueError if they can't be read."""
        return {self._source: pack(timestamps.read(self.path, self.format))}

    def prepared(self, sources: Mapping[str, bytes]) -> OpenLoopProcess:
        """Gives the trace with its times, from `sources` or from the log as it is now. Raises: ValueError."""
        packed = sources.get(self._source)
        times_ns = timestamps.read(self.path, self.format) if packed is None else unpack(packed)
        return Replay(times_ns=times_ns, speed=self.speed)

    @property
    def _source(self) -> str:
        return f"{self.format}:{self.path}"


class Replay(OpenLoopProcess, frozen=True, kw_only=True, eq=False):
    """A trace whose times are known: what `Trace.prepared` gives. No config names it.

    `times_ns`: of the log's lines since its first, sorted, two different ones at least.
    """

    times_ns: Times
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not LEAST_RATE_PER_S <= self.mean_rate_per_s() <= GREATEST_RATE_PER_S:
            raise ValueError(
                f"the trace's mean rate must be between {LEAST_RATE_PER_S:g} and {GREATEST_RATE_PER_S:g} records a"
                f" second, got {self.mean_rate_per_s():g}; change the speed, {self.speed:g}"
            )

    def round_ns(self) -> int:
        """Gives the time from one beginning of the log to the next, at the log's own speed."""
        span_ns = int(self.times_ns[-1])
        return span_ns + max(1, span_ns // (len(self.times_ns) - 1))

    def mean_rate_per_s(self) -> float:
        return len(self.times_ns) / self.round_ns() * NS_PER_S * self.speed

    def scaled(self, factor: float) -> OpenLoopProcess:
        return msgspec.structs.replace(self, speed=self.speed * factor)

    def blocks(self, seed: int, agent: int, block: int = BLOCK) -> Iterator[Times]:
        check_block(block)
        times_ns, round_ns, count = self.times_ns, self.round_ns(), len(self.times_ns)
        begin_ns = int(Draws(seed, "arrivals", agent).uniform() * round_ns)
        place = int(np.searchsorted(times_ns, begin_ns))
        # Beyond this many rounds times pass END_NS.
        most_rounds = END_NS // round_ns
        while True:
            rounds, places = np.divmod(np.arange(place, place + block), count)
            since_ns = times_ns[places] + np.minimum(rounds, most_rounds) * round_ns - begin_ns
            played_ns = since_ns / self.speed
            yield np.where(rounds >= most_rounds, END_NS, np.minimum(played_ns, END_NS)).astype(np.int64)
            place += block


def pack(times_ns: Times) -> bytes:
    """Gives the times small enough to be kept with each result: gaps, compressed."""
    return zlib.compress(np.diff(times_ns, prepend=0).astype("<i8").tobytes())


def unpack(packed: bytes) -> Times:
    """Gives the times that `pack` took."""
    return np.cumsum(np.frombuffer(zlib.decompress(packed), "<i8")).astype(np.int64)
