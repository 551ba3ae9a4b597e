"""What the gateway takes on: connections, and bytes in flight in all.

In flight are the batches whose round hasn't ended and the messages that aren't complete. Above the limit the gateway
stops reading, from every connection, until the broker has taken half of it: the senders then wait in TCP, which is the
only back-pressure the protocol has. Unfinished messages alone can't be waited for, since only reading ends them; so if
they fill the memory, the connection that asks for more is closed. Either way what is counted never passes the limit
by more than one read; a small body may keep eight times its bytes of its read in memory (system/wire/framing.py).
"""

from system.settings import Limits

#: What a batch costs beside its bytes: batch, id, ack and their places in lists (476 B by tracemalloc, and what
#: malloc adds). Without it, a flood of empty messages would be free.
BATCH_OVERHEAD_BYTES = 1024

#: Reading goes on when this share of the limit is left in flight: low enough that one stop isn't followed by the next.
RESUME_RATIO = 0.5


class Admission:
    """Bytes in flight in all, against the limit."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        #: Bytes of batches taken on, and of unfinished messages.
        self.batch_bytes = 0
        self.partial_bytes = 0
        #: The most that was ever in flight.
        self.peak_bytes = 0

    def take(self, batch_bytes: int, partial_bytes: int) -> None:
        """Counts batches taken on, and by how much unfinished messages grew or shrank."""
        self.batch_bytes += batch_bytes
        self.partial_bytes += partial_bytes
        self.peak_bytes = max(self.peak_bytes, self.batch_bytes + self.partial_bytes)

    def release(self, batch_bytes: int) -> None:
        """Counts batches whose round ended."""
        self.batch_bytes -= batch_bytes

    @property
    def full(self) -> bool:
        """Whether the limit is passed."""
        return self.batch_bytes + self.partial_bytes > self.limits.inflight_bytes

    @property
    def may_resume(self) -> bool:
        """Whether reading may go on after a stop: enough was taken, or there is nothing left to wait for."""
        left_bytes = self.batch_bytes + self.partial_bytes
        return self.batch_bytes == 0 or left_bytes <= RESUME_RATIO * self.limits.inflight_bytes
