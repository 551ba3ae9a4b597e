"""What became of every record and of every planted attack, trial by trial."""

from collections.abc import Iterator

from experiments.report.table import table
from experiments.report.view import View, name

_LEDGER = (
    "planned", "overflowed", "unsent", "sent", "acknowledged", "unanswered", "analysed", "dead", "in_queue", "lost",
    "recovered", "indeterminate", "unexpected", "duplicate_results", "repeat_executions",
)  # fmt: skip


def ledger(view: View) -> Iterator[str]:
    """A column a trial, so that the lines that add up stand under one another; therefore it doesn't sort."""
    counted = [trial for trial in view.summary.trials if trial.ledger is not None]
    rows = ([each.replace("_", " "), *(getattr(trial.ledger, each) for trial in counted)] for each in _LEDGER)
    yield table(["trial", *(str(trial.index) for trial in counted)], rows, sorts=False)
    yield (
        "<p>planned = overflowed + unsent + sent; sent = acknowledged + unanswered; acknowledged = analysed + dead + in queue"
        " + lost; unanswered = recovered + indeterminate. Each closes exactly, or the trial is invalid.</p>"
    )


def detections(view: View) -> Iterator[str]:
    """What the engine found of what was planted."""
    rows = (
        [name(trial), one.planted, one.found, one.missed, one.spurious]
        for trial in view.summary.trials
        if (one := trial.detections)
    )
    yield table(["trial", "planted", "found", "missed", "spurious"], rows)
