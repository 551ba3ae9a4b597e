"""Saturate: full load with a fixed number of batches that the system holds and has not analysed.

Closed on the result rows, not on the acknowledgements (those come as soon as the broker holds a batch), so that the
workers never idle and the queue never grows. Never called open loop: there are no arrival times; batches are cut when
the window lets them, their instants are recorded, and the latency measured is that window's.
"""

from typing import ClassVar

from loadgen.model.arrivals.process import ArrivalProcess

#: The window unless told. It must hold a task or two for each worker child, and a task of `tuned` takes some 33 batches of
#: 1,000 records: with 48 of them 2 cores were half idle, with 128 they weren't (2-core AMD EPYC guest, 2026-11). And it
#: should hold few enough records that a slow engine empties it in seconds.
MOST_BATCHES = 512
MOST_RECORDS = 128_000
LEAST_BATCHES = 32


class Saturate(ArrivalProcess, frozen=True, kw_only=True, tag="saturate"):
    """`window_batches`: unanalysed batches kept in the system, over all agents; None chooses by the batch size."""

    open_loop: ClassVar[bool] = False
    is_steady: ClassVar[bool] = True

    window_batches: int | None = None

    def window(self, batch_size: int) -> int:
        """Gives the window in batches of `batch_size` records."""
        if self.window_batches is not None:
            return self.window_batches
        return max(LEAST_BATCHES, min(MOST_BATCHES, MOST_RECORDS // batch_size))

    def __post_init__(self) -> None:
        if self.window_batches is not None and self.window_batches < 1:
            raise ValueError(
                f"arrivals.window_batches must be >= 1, got {self.window_batches}; a few for each"
                " worker child keep them all busy"
            )
