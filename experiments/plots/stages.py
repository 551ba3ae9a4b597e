"""The mean response time split by stage, stacked: in milliseconds, and as shares of the whole.

Means add up, quantiles don't: the 99th percentiles of the stages are in the report's table.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.metrics.trial import TrialSummary
from experiments.plots import rows
from experiments.plots.bars import layout, split
from experiments.plots.plot import Axes, Plot, Row, Table
from experiments.plots.words import Words

STAGES = ("batch_wait", "send_lag", "ingest", "queue_wait", "fetch", "scan", "commit")
TOTAL = "response"


def _figure(trial: TrialSummary) -> Row:
    """Means in s by stage, and their sum's; none where records never finished, for then there is no mean."""
    means = {name: one.mean for name in STAGES if (one := trial.stages_s.get(name)) is not None}
    whole = trial.response_time_s.mean
    return {} if whole is None or None in means.values() else {**means, TOTAL: whole}


def table(found: Findings) -> Table:
    """A row a cell and stage, in seconds; `part` is `response` for the whole."""
    return rows.a_cell(found, _figure)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Left the means with the whole's interval, right their shares."""
    split(table, panels, say, STAGES, TOTAL, 1e3, (f"{say('mean_time')}; {say('interval')}", say("time_share")))


PLOT = Plot("stages", table, layout, draw)
