"""What the table of probes says of an interval: how much a counter grew in it, and what a level was on average.

A counter is read at the two samples nearest to the interval's ends, and its growth between them brought to the interval's
length: the samples are milliseconds off. A level is averaged over the samples within, which fall on random instants, one
in each period, so that their mean is one over time.
"""

from typing import Final, NamedTuple

import numpy as np

#: Samples further from an end than this share of the interval say nothing of it.
FARTHEST_RATIO: Final = 0.25


class Level(NamedTuple):
    """A level over an interval: its mean, its greatest sample, and the number of samples."""

    mean: float
    max: float
    samples: int


def increases(table: np.ndarray, probe: str, begin_mono_ns: int, end_mono_ns: int) -> dict[tuple[str, str], float]:
    """How much each counter of a probe grew in [begin, end), by (part, figure).

    A counter that the first sample doesn't have was 0 then. Empty if the probe wasn't asked near both ends.
    """
    mine = table[table["probe"] == probe]
    length = end_mono_ns - begin_mono_ns
    if not len(mine) or length <= 0:
        return {}
    at = np.unique(mine["at_mono_ns"])
    first, last = (int(at[np.abs(at - end).argmin()]) for end in (begin_mono_ns, end_mono_ns))
    if max(abs(first - begin_mono_ns), abs(last - end_mono_ns)) > FARTHEST_RATIO * length:
        return {}
    before, after = (_values(mine, instant) for instant in (first, last))
    scale = length / (last - first)
    return {key: (value - before.get(key, 0.0)) * scale for key, value in after.items()}


def _values(mine: np.ndarray, at_mono_ns: int) -> dict[tuple[str, str], float]:
    rows = mine[mine["at_mono_ns"] == at_mono_ns]
    return {(str(row["part"]), str(row["figure"])): float(row["value"]) for row in rows}


def level(table: np.ndarray, part: str, figure: str, begin_mono_ns: int, end_mono_ns: int) -> Level | None:
    """A level over [begin, end); None without a sample in it."""
    inside = (table["at_mono_ns"] >= begin_mono_ns) & (table["at_mono_ns"] < end_mono_ns)
    values = table["value"][inside & (table["part"] == part) & (table["figure"] == figure)]
    return Level(float(values.mean()), float(values.max()), len(values)) if len(values) else None


def latest(table: np.ndarray, figure: str, until_mono_ns: int) -> dict[str, float]:
    """The sample nearest to an instant, by part: of what is asked at the window's ends alone."""
    mine = table[table["figure"] == figure]
    if not len(mine):
        return {}
    at = mine["at_mono_ns"]
    rows = mine[at == at[np.abs(at - until_mono_ns).argmin()]]
    return {str(row["part"]): float(row["value"]) for row in rows}
