"""What every probe is: something that, asked, reads figures of a running trial from outside, and never changes it.

A probe is built for one trial, is asked many times by the sampler, and gives rows of probes.parquet. A new one is one
file beside this one and one line in `registry`. What it can't read it says by `missing`, with the reason; it never gives
0 for it.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class Reading(NamedTuple):
    """One figure of one part at the instant of a sample; the figure's name ends in its unit."""

    part: str
    figure: str
    value: float


#: Gives the process ids that the trial started, by part, without their descendants.
Parts = Callable[[], Mapping[str, Sequence[int]]]


class Watched(NamedTuple):
    """What probes may look at.

    The processes may become more while the trial runs. `client` is a Redis client that the probes alone use, by one thread
    at a time. `folder` is where the trial's processes write, the swarm its live counters.
    """

    parts: Parts
    client: Any
    folder: Path


class ProbeError(RuntimeError):
    """Nothing could be read this time. The message says why."""


class Probe(Protocol):
    """One source of figures.

    `least_period_s` is how often it may be asked at most: a probe that costs much says 1 s, or infinity, which means at
    the window's two ends alone. `missing` says of each figure that it can't give on this machine why not.
    """

    name: str
    least_period_s: float
    missing: dict[str, str]

    def sample(self) -> list[Reading]:
        """What there is now; counters count since any fixed instant. Raises: ProbeError."""
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...


#: Makes a probe for one trial.
Builder = Callable[[Watched], Probe]
