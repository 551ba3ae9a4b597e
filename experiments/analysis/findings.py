"""All that figures and pages show of a run: its summary, its trials' records, and the curves that a summary has no room for.

Reads the store alone, a trial at a time: the tables of a long run don't fit into memory together.
"""

from typing import Any, NamedTuple

from experiments.analysis.summary import Summary, summary
from experiments.metrics.response import timed
from experiments.metrics.spectrum import Spectrum
from experiments.metrics.timeline import Bin, Timeline
from experiments.metrics.walk import Records, walk
from experiments.store.record import TrialRecord
from experiments.store.run import RunFolder


class Curves(NamedTuple):
    """Of one trial: the response time's spectrum (share -> s) over so many records, and its bins over time."""

    spectrum: dict[float, float]
    records: int
    timeline: list[Bin]


class Findings(NamedTuple):
    """A run as found. `records` and `curves` by the trial's index; a trial without response times has no curves."""

    summary: Summary
    records: dict[int, TrialRecord]
    curves: dict[int, Curves]
    experiment: dict[str, Any]


def findings(run: RunFolder, found: Summary | None = None) -> Findings:
    """Computes them from the run's raw data; `found` is its summary, if that was made already."""
    found = summary(run) if found is None else found
    records = {record.index: record for record in run.records()}
    curves = {}
    for trial in found.trials:
        record = records[trial.index]
        # None counted: the trial failed, or its schedule isn't the sealed one and its arrivals can't be drawn again.
        if not trial.response_time_s.count or (tables := run.tables(record)) is None:
            continue
        shares, bins = Spectrum(record.window), Timeline(record)
        walk(Records(record, tables.batches, timed(tables)), shares, bins)
        curves[trial.index] = Curves(shares.shares(), shares.records, bins.bins())
    return Findings(found, records, curves, run.manifest["experiment"])
