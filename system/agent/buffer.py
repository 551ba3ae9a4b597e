"""The agent's buffer: which records travel together, and when.

Flow: `add` takes one record, and returns the batch that this arrival completed, if it did; the agent's timer calls
`expire` at the deadline, and `close` at the end of the input. A `Cut` goes to the client.

Invariants: batches are a deterministic function of the arrivals, for no clock is read here; a batch is flushed when
`batch_size` records are in it or when `timeout_ns` has passed since the first of them; at an instant t a deadline <= t
expires before a record that arrives at t is added; a timeout's cut instant is the deadline, however late it was
noticed; every record is in exactly one cut, in the order of arrival. `loadgen.model.batching` computes the same with
numpy (a property test holds the two together).
"""

from typing import Literal, NamedTuple

#: `again`: by `Recutter`, as an earlier run had cut it.
Reason = Literal["size", "timeout", "close", "again"]


class Cut(NamedTuple):
    """One batch, cut.

    `first` is the number of its first record in the agent's stream (from 0), `cut_mono_ns` the instant it was complete.
    """

    first: int
    records: tuple[bytes, ...]
    cut_mono_ns: int
    reason: Reason


class Buffer:
    """Collects records until they are `batch_size`, or until `timeout_ns` has passed since the first of them.

    `first` is the number of the first record. What the bytes of a record mean is the caller's; instants are integer
    nanoseconds of one monotonic clock, and must not go back.

    Raises:
        ValueError: `batch_size` or `timeout_ns` is below 1.
    """

    __slots__ = ("_batch_size", "_first", "_latest_mono_ns", "_records", "_timeout_ns", "deadline_mono_ns")

    #: When the records held expire; None while there are none.
    deadline_mono_ns: int | None

    def __init__(self, batch_size: int, timeout_ns: int, first: int = 0) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be >= 1 record, got {batch_size}; to send each record alone give 1")
        if timeout_ns < 1:
            raise ValueError(
                f"timeout_ns must be >= 1 ns, got {timeout_ns}; to send each record alone give batch_size = 1"
            )
        self._batch_size = batch_size
        self._timeout_ns = timeout_ns
        self._records: list[bytes] = []
        self._first = first
        self._latest_mono_ns: int | None = None
        self.deadline_mono_ns = None

    def __len__(self) -> int:
        """The records held."""
        return len(self._records)

    def add(self, record: bytes, now_mono_ns: int) -> Cut | None:
        """Adds a record that arrives at `now_mono_ns`.

        Returns: the batch that ended: the one that expired before this record, or the one that this record filled.
        Never
            both: after an expiry the record is alone, and with `batch_size` 1 nothing is ever left to expire.
        """
        expired = self.expire(now_mono_ns)
        if not self._records:
            self.deadline_mono_ns = now_mono_ns + self._timeout_ns
        self._records.append(record)
        if len(self._records) == self._batch_size:
            return self._cut(now_mono_ns, "size")
        return expired

    def expire(self, now_mono_ns: int) -> Cut | None:
        """Gives the batch whose deadline is at or before `now_mono_ns`, if there is one."""
        if self._latest_mono_ns is not None and now_mono_ns < self._latest_mono_ns:
            raise ValueError(
                f"now_mono_ns must not go back, got {now_mono_ns} after {self._latest_mono_ns}; give instants of one"
                " monotonic clock"
            )
        self._latest_mono_ns = now_mono_ns
        if self.deadline_mono_ns is not None and self.deadline_mono_ns <= now_mono_ns:
            return self._cut(self.deadline_mono_ns, "timeout")
        return None

    def close(self, now_mono_ns: int) -> Cut | None:
        """Gives what is left at the end of the input: expired if its deadline has come, else cut now."""
        expired = self.expire(now_mono_ns)
        if self._records:
            return self._cut(now_mono_ns, "close")
        return expired

    def _cut(self, cut_mono_ns: int, reason: Reason) -> Cut:
        cut = Cut(self._first, tuple(self._records), cut_mono_ns, reason)
        self._first += len(self._records)
        self._records.clear()
        self.deadline_mono_ns = None
        return cut
