"""The buffer of an agent that goes on where another run of it was ended: first the same batches again, then its own.

Invariants: each batch that the position lists holds the same records as the first time, for they are the same lines; a
record that lies in none of them was dropped then and is dropped now. No clock: these batches wait for nothing but
their lines. After them it is a `Buffer`, record for record.
"""

from collections import deque
from collections.abc import Sequence

from system.agent.buffer import Buffer, Cut


class Recutter:
    """A `Buffer` whose first batches are given.

    Args:
        first: the number of the first record.
        batches: (first record, count) of the batches to cut, in order.
        batch_size, timeout_ns: of the batches after them.
    """

    def __init__(self, first: int, batches: Sequence[tuple[int, int]], batch_size: int, timeout_ns: int) -> None:
        #: Records that lie in none of the given batches.
        self.skipped = 0
        self._next = first
        self._batches = deque(batches)
        self._records: list[bytes] = []
        last = batches[-1] if batches else (first, 0)
        self._buffer = Buffer(batch_size, timeout_ns, first=sum(last))

    @property
    def deadline_mono_ns(self) -> int | None:
        """When the records held expire; None while there are none, or while given batches are cut."""
        return self._buffer.deadline_mono_ns

    def add(self, record: bytes, now_mono_ns: int) -> Cut | None:
        """As in `Buffer`."""
        number = self._next
        self._next += 1
        if not self._batches:
            return self._buffer.add(record, now_mono_ns)
        first, count = self._batches[0]
        if number < first:
            self.skipped += 1
            return None
        self._records.append(record)
        if len(self._records) < count:
            return None
        self._batches.popleft()
        cut = Cut(first, tuple(self._records), now_mono_ns, "again")
        self._records.clear()
        return cut

    def expire(self, now_mono_ns: int) -> Cut | None:
        """As in `Buffer`."""
        return self._buffer.expire(now_mono_ns)

    def close(self, now_mono_ns: int) -> Cut | None:
        """As in `Buffer`; of a given batch whose lines have not all come nothing is cut: it is begun again next time."""
        return self._buffer.close(now_mono_ns)
