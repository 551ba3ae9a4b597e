"""The sums over a run's trials that a verdict names, wherever it is told: the terminal's last lines, the page's tiles."""

from collections.abc import Sequence
from typing import NamedTuple

from experiments.metrics.detections import Detections
from experiments.metrics.trial import TrialSummary


class Totals(NamedTuple):
    """Records (`sent` to `duplicate_results`, over `ledgers` trials), detections, trials (`trials` to `died`): how many.

    `detections` is None where no trial has any; its `planted`, `missed` and `spurious` are where one trial's are.
    """

    ledgers: int
    sent: int
    lost: int
    duplicate_results: int
    detections: Detections | None
    trials: int
    valid: int
    repeated: int
    overloaded: int
    died: int


def totals(trials: Sequence[TrialSummary]) -> Totals:
    """The sums over all trials, valid or not: a record that was lost in an invalid one is lost all the same."""
    ledgers = [trial.ledger for trial in trials if trial.ledger is not None]
    return Totals(
        ledgers=len(ledgers),
        sent=sum(one.sent for one in ledgers),
        lost=sum(one.lost for one in ledgers),
        duplicate_results=sum(one.duplicate_results for one in ledgers),
        detections=_detections(trials),
        trials=len(trials),
        valid=sum(trial.valid for trial in trials),
        repeated=sum(bool(trial.repeated) for trial in trials),
        overloaded=sum(trial.outcome == "overloaded" for trial in trials),
        died=sum(trial.died for trial in trials),
    )


def _detections(trials: Sequence[TrialSummary]) -> Detections | None:
    judged = [trial.detections for trial in trials if trial.detections is not None]
    if not judged:
        return None

    def total(values: Sequence[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    return Detections(
        found=sum(one.found for one in judged),
        planted=total([one.planted for one in judged]),
        missed=total([one.missed for one in judged]),
        spurious=total([one.spurious for one in judged]),
    )
