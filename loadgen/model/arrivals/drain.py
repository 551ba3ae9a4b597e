"""Drain: fill the queue, stop the swarm and the gateway, and time the workers alone.

On a small machine the clean way to measure workers against cores, for nothing else runs beside them. Never called open
loop: there are no arrival times, and no response time is measured.
"""

from typing import ClassVar

from loadgen.model.arrivals.process import ArrivalProcess


class Drain(ArrivalProcess, frozen=True, kw_only=True, tag="drain"):
    """`backlog_batches`: batches queued before the workers start, over all agents."""

    open_loop: ClassVar[bool] = False

    backlog_batches: int = 2000

    def __post_init__(self) -> None:
        if self.backlog_batches < 1:
            raise ValueError(
                f"arrivals.backlog_batches must be >= 1, got {self.backlog_batches}; take some seconds of work"
            )
