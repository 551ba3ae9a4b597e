"""What the page's sections read: a run's findings, and its figures as SVG."""

from collections.abc import Mapping
from typing import NamedTuple

from experiments.analysis.findings import Findings
from experiments.analysis.naming import cell_name
from experiments.analysis.summary import Summary
from experiments.metrics.trial import TrialSummary


class View(NamedTuple):
    """Findings and figures, by the plot's name."""

    found: Findings
    figures: Mapping[str, str]

    @property
    def summary(self) -> Summary:
        """The run's summary."""
        return self.found.summary


def name(trial: TrialSummary) -> str:
    """A trial as tables call it: its index and its cell."""
    return f"{trial.index}: {cell_name(trial.cell)}" if trial.cell else str(trial.index)


def figure(view: View, plot: str, says: str) -> str:
    """A figure with its caption; nothing where the run has no data for it."""
    if plot not in view.figures:
        return ""
    return (
        f'<figure><div class="wide" role="img" aria-label="{says}">{view.figures[plot]}</div>'
        f"<figcaption>{says} <code>figures/{plot}.csv</code> has the numbers.</figcaption></figure>"
    )
