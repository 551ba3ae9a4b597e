"""How long records were in the system, live: a histogram that the recorder fills and a screen reads while a trial runs.

Counts records by the time from the gateway's receipt to the end of the scan, in buckets of which eight double it: a
quantile is at most 9 % above the true one. For the eye alone; results are computed from the rows, exactly.
"""

from typing import Final

import numpy as np

#: The first bucket ends here; what is longer than the last (about 1,000 s) falls into it.
_FIRST_NS: Final = 100_000
_A_DOUBLING: Final = 8

#: The buckets' names among the recorder's counters.
BUCKETS: Final = tuple(f"passage_{number}" for number in range(23 * _A_DOUBLING + 2))


def passages(received_mono_ns: np.ndarray, scanned_mono_ns: np.ndarray, records: np.ndarray) -> np.ndarray:
    """Records by bucket of their batches' times; a batch without both instants is left out."""
    known = (received_mono_ns > 0) & (scanned_mono_ns > 0)
    took = np.maximum(scanned_mono_ns[known] - received_mono_ns[known], 1)
    bucket = np.ceil(np.log2(took / _FIRST_NS) * _A_DOUBLING)
    place = np.clip(bucket, 0, len(BUCKETS) - 1).astype(np.int64)
    counts = np.bincount(place, weights=records[known].astype(np.float64), minlength=len(BUCKETS))
    found: np.ndarray = counts.astype(np.int64)
    return found


def quantile_s(counts: np.ndarray, q: float) -> float | None:
    """The upper end of the bucket that the quantile falls into, in seconds; None without records."""
    total = int(counts.sum())
    if not total:
        return None
    place = int(np.searchsorted(np.cumsum(counts), q * total))
    return float(_FIRST_NS * 2 ** (place / _A_DOUBLING) / 1e9)
