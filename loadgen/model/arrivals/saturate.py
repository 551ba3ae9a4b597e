"""Saturate: full load with a fixed number of batches that the system holds and has not analysed.

Closed on the result rows, not on the acknowledgements (those come as soon as the broker holds a batch), so that the
workers never idle and the queue never grows. Never called open loop: there are no arrival times; batches are cut when
the window lets them, their instants are recorded, and the latency measured is that window's.
"""

from typing import ClassVar

from loadgen.model.arrivals.process import ArrivalProcess


class Saturate(ArrivalProcess, frozen=True, kw_only=True, tag="saturate"):
    """`window_batches`: unanalysed batches kept in the system, over all agents."""

    open_loop: ClassVar[bool] = False

    window_batches: int = 64

    def __post_init__(self) -> None:
        if self.window_batches < 1:
            raise ValueError(
                f"arrivals.window_batches must be >= 1, got {self.window_batches}; a few for each"
                " worker child keep them all busy"
            )
