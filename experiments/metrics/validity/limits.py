"""The `[validity]` table of a config: how far the instrument may be off before a trial is invalid.

They stand in the config before the run and are sealed with each trial; a result from before there were limits is judged by
the rules that have none.
"""

from typing import Annotated, Any

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Greatest values that are still valid."""

    #: Swarm and system share CPUs on a small machine, where a wake-up waits for a time slice of 3 to 4 ms, seldom two.
    send_lag_p99_s: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 0.01
    #: One process plays with one CPU: above this it may have been the swarm that gave no more.
    swarm_cpu_ratio: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.9
    #: A tenth of the shortest stage one would want to read between two hosts.
    clock_offset_s: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 0.0005
    #: Drift over the window by which the rate would be no rate.
    trend_ratio: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.02


def limits(config: dict[str, Any]) -> Limits | None:
    """The limits that a trial was run with; None if it was before there were any."""
    given = config.get("validity")
    return None if given is None else msgspec.convert(given, Limits)
