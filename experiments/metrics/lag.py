"""How late the swarm played its schedule: the generator's own lag, whatever the system did.

Not the stage send_lag, in which a batch also waits for its agent's window, pause or connection: those are the load's or
the system's doing. This is the time from the instant at which a batch was due to the one at which the swarm cut it.
"""

import msgspec

from experiments.store.record import TrialRecord


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, over the `flushes` before the horizon; at the horizon all buffers are closed at once.

    With several swarm processes each quantile is that of the latest process: the pooled one is no greater.
    """

    flushes: int
    p50: float
    p99: float
    max: float


def lag(record: TrialRecord) -> Lag | None:
    """The lag of a trial's swarm; None under full load, which has no schedule, and where nothing was due."""
    said = record.swarm
    if not said.get("paced"):
        return None
    return Lag(
        flushes=said["paced"],
        p50=said["late_p50_ns"] / 1e9,
        p99=said["late_p99_ns"] / 1e9,
        max=said["late_max_ns"] / 1e9,
    )
