"""Little's law, L = lambda W: L from the probe that reads the journal's length in the broker, lambda W from the result rows.

The probe knows nothing of rows, the rows nothing of the probe. Its samples fall on random instants, so that their mean is one
over time; what chance in the instants does to it is known from the rows (how many batches were under way at these very
instants, and how many on average) and taken out, and the interval is that of the differences.
Source: J. D. C. Little, Operations Research 9 (1961).
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared, half_width
from experiments.selftest.seen import Floats, Seen


def under_way(begins: Floats, ends: Floats, instants: Floats) -> Floats:
    """How many of the intervals [begin, end) hold each instant."""
    begun = np.searchsorted(np.sort(begins), instants, side="right")
    return np.asarray(begun - np.searchsorted(np.sort(ends), instants, side="right"), np.float64)


def mean_under_way(begins: Floats, ends: Floats, begin: float, end: float) -> float:
    """The same on average over time, in [begin, end): the law's lambda W of that stretch, edges included."""
    inside = np.minimum(ends, end) - np.maximum(begins, begin)
    return float(np.maximum(inside, 0.0).sum()) / (end - begin)


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    for name, seen in scenes.items():
        tasks, table = seen.tasks, seen.tables.probes
        begin, end = seen.since_start(seen.record.window).tolist()
        rows = table[(table["part"] == "broker") & (table["figure"] == "pending_batches")]
        at = seen.since_start(rows["at_mono_ns"])
        inside = (at >= begin) & (at < end)
        read = np.asarray(rows["value"][inside], np.float64)
        theory = mean_under_way(tasks.published, tasks.committed, begin, end)
        if not len(read) or theory <= 0:
            yield compared(
                f"Little's law, {name}", theory, math.nan, math.inf, unit="batches", allowed=0.0, sharp=0.0,
                why=f"nothing to compare: {len(read)} samples of the journal, {theory:g} batches under way by the rows",
            )  # fmt: skip
            continue
        differences = read - under_way(tasks.published, tasks.committed, at[inside])
        # The journal holds a batch from within the publish to within the commit: shorter by a part of each.
        rate = float(np.sum((tasks.published >= begin) & (tasks.published < end))) / (end - begin)
        edges = rate * 2 * float(np.mean(tasks.committed - tasks.scanned))
        yield compared(
            f"Little's law, {name}", theory, theory + float(differences.mean()), half_width(differences),
            unit="batches", allowed=edges + 0.01 * theory, sharp=0.1 * theory,
            why=f"L by {len(read)} samples of the journal against lambda W by the rows; a batch is in the journal for up to"
            f" two round trips ({edges / theory:.1%}) less than its rows say",
        )  # fmt: skip


CHECK = Check("little", ("one server", "two servers"), _compare)
