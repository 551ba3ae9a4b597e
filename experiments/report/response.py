"""Response times: the whole spectrum, its table with what the sample bears, the split by stage, agent classes, over time."""

import html
from collections.abc import Iterator

from experiments.metrics.quantiles import Quantiles
from experiments.report.table import table
from experiments.report.view import View, figure, name

_LIMITS = (
    "<p>A quantile is an observed value, and given only where 20 records lie above it: p99 from 2,000 records on, p99.9 from"
    " 20,000. Records that never finished count as slower than all others. Under full load a record's clock starts when its"
    " batch is cut.</p>"
)


def response(view: View) -> Iterator[str]:
    """The spectrum and the quantiles of each trial."""
    yield figure(view, "response_spectrum", "Percentile spectrum of the response time.")
    rows = []
    for trial in view.summary.trials:
        one = trial.response_time_s
        quantiles = (_ms(value) for value in (one.p50, one.p90, one.p99, one.p999, one.max, one.mean))
        rows.append([name(trial), *quantiles, one.count, one.unfinished])
    yield table(
        ["trial", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "mean ms", "n, records", "unfinished"], rows
    )
    yield _LIMITS
    yield from _classes(view)
    yield figure(view, "latency_over_time", "Response time over each trial's time, with its faults.")


def stages(view: View) -> Iterator[str]:
    """The split of the response time: mean and 99th percentile of each stage."""
    yield figure(
        view, "stages", "Where a record's time goes, on average; a record's stages add up to its response time."
    )
    trials = view.summary.trials
    names = list(next((trial.stages_s for trial in trials if trial.stages_s), {}))
    rows = ([name(t), _pair(t.response_time_s), *(_pair(t.stages_s.get(each)) for each in names)] for t in trials)
    yield "<p>Mean / 99th percentile over records, ms.</p>"
    yield table(["trial", "response", *(each.replace("_", " ") for each in names)], rows)


def _classes(view: View) -> Iterator[str]:
    rows = [
        [name(trial), kind, one.agents, one.records, _ms(one.response_time_s.p50), _ms(one.response_time_s.p99)]
        for trial in view.summary.trials
        for kind, one in trial.classes.items()
    ]
    if rows:
        yield f"<h3>{html.escape('By class of agents')}</h3>"
        yield table(["trial", "class", "agents", "n, records", "p50 ms", "p99 ms"], rows)


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value * 1e3:,.2f}"


def _pair(one: Quantiles | None) -> str | None:
    if one is None or one.mean is None:
        return None
    return f"{one.mean * 1e3:,.2f} / {_ms(one.p99) or '–'}"
