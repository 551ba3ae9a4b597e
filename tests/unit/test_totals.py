"""A verdict's sums: over every trial that has a ledger, valid or not; what one trial doesn't know, the run doesn't."""

import msgspec

from experiments.analysis.totals import totals
from experiments.metrics.detections import Detections
from experiments.metrics.trial import TrialSummary, summarise
from tests import made_trial

SOUND = summarise(made_trial.trial().record, made_trial.trial().tables)


def changed(**fields: object) -> TrialSummary:
    return msgspec.structs.replace(SOUND, **fields)


def detected(planted: int | None, found: int, missed: int | None, spurious: int | None) -> Detections:
    return Detections(planted=planted, found=found, missed=missed, spurious=spurious)


def test_records_of_every_trial_with_a_ledger_are_added_up() -> None:
    assert SOUND.ledger is not None
    worse = msgspec.structs.replace(SOUND.ledger, lost=7, duplicate_results=2)
    found = totals([SOUND, changed(ledger=worse, valid=False), changed(ledger=None, outcome="failed")])
    assert (found.ledgers, found.lost, found.duplicate_results) == (2, 7, 2)
    assert found.sent == 2 * SOUND.ledger.sent


def test_trials_are_counted_by_what_became_of_them() -> None:
    found = totals(
        [SOUND, changed(valid=False, outcome="failed"), changed(outcome="failed"), changed(repeated=[["cpu: busy"]])]
    )
    assert (found.trials, found.valid, found.died, found.repeated) == (4, 3, 1, 1)


def test_detections_are_added_up() -> None:
    found = totals([changed(detections=detected(5, 4, 1, 0)), changed(detections=detected(6, 8, 0, 2))])
    assert found.detections == detected(11, 12, 1, 2)


def test_one_trial_without_ground_truth_leaves_only_what_was_found() -> None:
    found = totals([changed(detections=detected(5, 4, 1, 0)), changed(detections=detected(None, 3, None, None))])
    assert found.detections == detected(None, 7, None, None)


def test_no_trials_give_nothing_and_no_detections() -> None:
    found = totals([])
    assert (found.ledgers, found.trials, found.detections) == (0, 0, None)
