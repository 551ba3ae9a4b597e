"""The clock and the seeds: each batch's scan, as stamped, against the service time drawn again for it.

The engine waits until an instant, never less; a scan takes a little longer, by finding the records and waking up late. That
part is the same for short and long services, so that a clock's rate shows in the difference between the two. Late wake-ups
have a long tail on a busy machine: the tenth percentile of each half is compared, which is sharp there too. A clock that is
off, or another seed, shows here and nowhere else so clearly.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared
from experiments.selftest.seen import Floats, Seen

SHARE = 0.1
#: Standard deviations of a count for 99 %.
_DEVIATIONS = 2.58


def low_quantile(values: Floats) -> tuple[float, float]:
    """The tenth percentile, and half the width of its interval by order statistics."""
    ordered = np.sort(values)
    middle, spread = SHARE * len(ordered), _DEVIATIONS * np.sqrt(len(ordered) * SHARE * (1 - SHARE))
    low, high = (ordered[int(np.clip(middle + sign * spread, 0, len(ordered) - 1))] for sign in (-1, 1))
    return float(ordered[int(middle)]), float(high - low) / 2


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    tasks = scenes["one server"].tasks
    beside = tasks.scanned - tasks.fetched - tasks.drawn_s
    long = tasks.drawn_s >= np.median(tasks.drawn_s)
    (slow, half_slow), (fast, half_fast) = low_quantile(beside[long]), low_quantile(beside[~long])
    apart = float(tasks.drawn_s[long].mean() - tasks.drawn_s[~long].mean())
    yield compared(
        "service time", 1.0, 1.0 + (slow - fast) / apart, float(np.hypot(half_slow, half_fast)) / apart,
        unit="ratio", allowed=0.002, sharp=0.008,
        why=f"rate of the scan as stamped over the service as drawn again; what a scan takes beside is {fast * 1e6:.0f} us;"
        " 0.2 % for what of it depends on the length of a wait",
    )  # fmt: skip
    yield compared(
        "services cut short", 0.0, float(np.mean(beside < 0)), 0.0, unit="ratio", allowed=0.0, sharp=0.0,
        why="share of scans stamped as shorter than drawn: the engine never ends early",
    )  # fmt: skip


CHECK = Check("service time", ("one server",), _compare)
