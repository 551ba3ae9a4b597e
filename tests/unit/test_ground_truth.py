"""The ground truth of a trial follows from its load and seed, and is drawn once for all trials that share them."""

import msgspec
import numpy as np

from experiments.metrics.detections import ground_truth
from tests.made_trial import trial


def test_the_ground_truth_is_drawn_once_for_all_trials_of_a_seed_and_anew_for_another() -> None:
    record = trial().record
    first = ground_truth(record.load, record.seed)
    assert first is not None
    assert ground_truth(record.load, record.seed) is first
    other = ground_truth(record.load, record.seed + 1)
    assert other is not None
    assert not np.array_equal(other.record, first.record)
    fewer = msgspec.structs.replace(record.load, records={**record.load.records, "attack_ratio": 0.001})
    less = ground_truth(fewer, record.seed)
    assert less is not None
    assert len(less.record) < len(first.record)
