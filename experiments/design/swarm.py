"""The `[swarm]` table: how many agents, how each one cuts batches, when records arrive and what they say.

Decoded from a config; `loadgen` turns it into a schedule. `swarm.processes` is checked in `checks`.
"""

from typing import Annotated, Literal

import msgspec

from loadgen.model.arrivals.registry import Arrivals

#: The wire's chunk id holds the agent's number and a batch's record count in 32 bits each.
Count32 = Annotated[int, msgspec.Meta(ge=1, le=2**32 - 1)]
#: Durations end at a million seconds (eleven days), so that nanoseconds since a trial's start never near 64 bits.
PositiveSeconds = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class Mix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kinds of synthetic lines, as shares of their own sum; a share left out is 0."""

    web: Weight = 0.0
    sshd: Weight = 0.0
    app: Weight = 0.0


class Records(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the records say: rendered lines with planted attacks (`synthetic`), or real lines in a circle (`files`)."""

    source: Literal["synthetic", "files"] = "synthetic"
    paths: tuple[str, ...] = ()
    attack_ratio: Ratio = 0.02
    mix: Mix = Mix(web=0.7, sshd=0.2, app=0.1)
    ring_size: Annotated[int, msgspec.Meta(ge=1, le=2**24)] = 16_384


class Swarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The load: agents that flush at `batch_size` records or `timeout_s` after the buffer's first one."""

    agents: Count32 = 20
    batch_size: Count32 = 100
    timeout_s: PositiveSeconds = 0.5
    pause_s: Seconds = 0.0
    inflight_batches: Count32 = 64
    buffer_batches: Count32 = 10_000
    processes: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    arrivals: Arrivals
    records: Records = Records()
