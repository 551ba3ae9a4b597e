"""Detections against the ground truth: planted attacks found, missed, and hits that were never planted.

The ring and its labels follow from the seeds (loadgen.model), so the truth isn't stored, it is computed again. Judged
are the batches that were analysed, each by its first result; real log lines have no truth, and only count.
"""

from functools import lru_cache

import msgspec
import numpy as np

from experiments.store.record import Load, TrialRecord
from experiments.store.tables import Tables
from loadgen.model.records.ring import Labels, Mix, synthetic
from loadgen.model.truth import Batches, Found, judge


class Detections(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of (record, signature). `planted`, `missed` and `spurious` are None where there is no ground truth, or the engine
    looks for nothing."""

    planted: int | None
    found: int
    missed: int | None
    spurious: int | None

    def reasons(self) -> list[str]:
        """What is wrong, as sentences."""
        return [f"{count} {word}" for word, count in (("missed", self.missed), ("spurious", self.spurious)) if count]


def detections(record: TrialRecord, tables: Tables, counting: np.ndarray) -> Detections:
    """Judges the hits of the result rows whose indices are `counting` (response.first_results).

    Args:
        record, tables: the trial's.
        counting: int64 indices into `tables.results`, one a batch.
    """
    rows = tables.results[counting]
    labels = ground_truth(record.load, record.seed) if record.detects else None
    if labels is None:
        return Detections(planted=None, found=int(rows["hits"].sum()), missed=None, spurious=None)
    place = np.full(len(tables.results), -1, dtype=np.int64)
    place[counting] = np.arange(len(counting))
    row = place[tables.hits["result"]]
    kept = row >= 0
    verdict = judge(
        labels.for_pack(record.signatures),
        record.load.records["ring_size"],
        Batches(rows["agent"], rows["first"], rows["count"]),
        Found(row[kept], tables.hits["record"][kept], tables.hits["signature"][kept]),
    ).totals()
    return Detections(
        planted=verdict["planted"], found=verdict["found"], missed=verdict["missed"], spurious=verdict["spurious"]
    )


def ground_truth(load: Load, seed: int) -> Labels | None:
    """The labels of the ring that the swarm rendered; None for real log lines."""
    records = load.records
    if records["source"] != "synthetic":
        return None
    return _labels(seed, records["ring_size"], records["attack_ratio"], Mix.of(records["mix"]))


@lru_cache(maxsize=64)
def _labels(seed: int, size: int, attack_ratio: float, mix: Mix) -> Labels | None:
    """Kept, for the trials of a block have one ring, and drawing it again was nine tenths of a report's time."""
    return synthetic(seed, size, attack_ratio, mix).labels
