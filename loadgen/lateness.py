"""How late the batches of a schedule were cut, kept in a file until the load is over, and what is said of them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loadgen.nameless import nameless


class Lateness:
    """8 bytes a batch in a file without a name; only of batches that were due before `end_mono_ns`.

    All that is held is cut at the horizon at once: a heap, which says nothing about keeping a schedule.
    """

    def __init__(self, end_mono_ns: int, folder: Path | None = None) -> None:
        self._end_mono_ns = end_mono_ns
        self._file = nameless(self, folder)

    def note(self, due_mono_ns: int, late_ns: int) -> None:
        """A batch was cut."""
        if due_mono_ns < self._end_mono_ns:
            self._file.write(late_ns.to_bytes(8, "little"))

    def found(self) -> NDArray[np.int64]:
        """How late each was, ns, in the order of the cuts."""
        self._file.seek(0)
        return np.frombuffer(self._file.read(), "<i8")


def lateness(late_ns: NDArray[np.int64]) -> dict[str, int]:
    """Batches that were cut, and how late: `late_p50_ns`, `late_p99_ns` (smallest value that at least that share does not
    exceed), `late_max_ns`. Only the count where there are none."""
    if not len(late_ns):
        return {"paced": 0}
    late = np.sort(late_ns)
    at = {share: int(late[-(-len(late) * share // 100) - 1]) for share in (50, 99)}
    return {"paced": len(late), "late_p50_ns": at[50], "late_p99_ns": at[99], "late_max_ns": int(late[-1])}
