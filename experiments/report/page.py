"""Writes a run's report.html and figures from its summary: self-contained, no network, verdict first.

A plain page in this version: what was found, the first figure, each trial's ledger, the machine, how to run it again.
"""

import html
from collections.abc import Sequence
from importlib.resources import files

from experiments.analysis.naming import cell_name, columns
from experiments.analysis.summary import Summary
from experiments.metrics.quantiles import Quantiles
from experiments.metrics.trial import TrialSummary
from experiments.plots import style
from experiments.plots.throughput import throughput
from experiments.report.batching import batching_section
from experiments.report.cost import cost_section
from experiments.report.steps import steps_section
from experiments.report.table import table
from experiments.store.run import RunFolder

_LEDGER = (
    "planned", "overflowed", "unsent", "sent", "acknowledged", "unanswered", "analysed", "dead", "in_queue", "lost",
    "recovered", "indeterminate", "unexpected", "duplicate_results", "repeat_executions",
)  # fmt: skip


def write_report(run: RunFolder, found: Summary) -> None:
    """Writes report.html and figures/throughput.svg into the run's folder."""
    drawn = style.as_svg(throughput(found))
    figures = run.path / "figures"
    figures.mkdir(exist_ok=True)
    (figures / "throughput.svg").write_text(drawn, encoding="utf-8")
    (run.path / "report.html").write_text(page(found, drawn), encoding="utf-8")


def page(found: Summary, drawn: str) -> str:
    """The whole page as text."""
    sections = [
        f'<p class="verdict {found.verdict}">{found.verdict.upper()}</p>',
        f"<p>{html.escape(found.question)}</p>",
        _reasons(found.trials),
        "<h2>Throughput</h2>",
        f"<figure>{drawn}</figure>",
        "<h2>Cells</h2>",
        _cells(found),
        *steps_section(found.steps, found.cells),
        "<h2>Ledger (records)</h2>",
        _ledger(found.trials),
        "<h2>Detections</h2>",
        table(
            ["trial", "planted", "found", "missed", "spurious"],
            (
                [_name(trial), one.planted, one.found, one.missed, one.spurious]
                for trial in found.trials
                if (one := trial.detections)
            ),
        ),
        "<h2>Response time and its stages (ms)</h2>",
        "<p>Mean and 99th percentile over records. Under full load a record's clock starts when its batch is cut.</p>",
        _stages(found.trials),
        "<h2>Batching, predicted and measured</h2>",
        *batching_section(found.cells),
        "<h2>Cost of a record, by stage</h2>",
        *cost_section(found.trials, {trial.index: _name(trial) for trial in found.trials}),
        "<h2>Machine</h2>",
        _machine(found),
        f"<p>Run {html.escape(found.run_id)}, commit {found.commit or 'unknown'}"
        f"{' with uncommitted changes' if found.dirty else ''}. To run it again:</p>",
        f"<pre>{html.escape(found.command)}</pre>",
    ]
    shell = (files("experiments.report") / "page.html").read_text(encoding="utf-8")
    return shell.replace("{{title}}", html.escape(f"Caudal: {found.experiment}")).replace(
        "{{body}}", "\n".join(sections)
    )


def _reasons(trials: Sequence[TrialSummary]) -> str:
    items = [f"<li>trial {trial.index}: {html.escape(reason)}</li>" for trial in trials for reason in trial.reasons]
    return f"<ul class=invalid>{''.join(items)}</ul>" if items else ""


def _name(trial: TrialSummary) -> str:
    return f"{trial.index}: {cell_name(trial.cell)}" if trial.cell else str(trial.index)


def _ledger(trials: Sequence[TrialSummary]) -> str:
    """A column a trial, so that the lines that add up stand under one another."""
    counted = [trial for trial in trials if trial.ledger is not None]
    rows = ([name.replace("_", " "), *(getattr(trial.ledger, name) for trial in counted)] for name in _LEDGER)
    return table(["trial", *(str(trial.index) for trial in counted)], rows)


def _machine(found: Summary) -> str:
    known = {name: value for name, value in found.machine.items() if value is not None and name != "packages"}
    packages = ", ".join(f"{name} {version}" for name, version in found.machine.get("packages", {}).items())
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in known.items()] + [f"packages: {packages}"]
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


def _cells(found: Summary) -> str:
    names = columns([cell.cell for cell in found.cells])
    rows = []
    for cell in found.cells:
        p99 = cell.p99_response_s.value
        rows.append(
            [
                *(cell.cell[name] for name in names),
                str(cell.carried_records_per_s),
                str(cell.offered_records_per_s),
                None if p99 is None else f"{p99 * 1e3:,.1f}",
                cell.bottleneck,
                f"{cell.trials - cell.invalid_trials - cell.failed_trials} of {cell.trials}",
            ]
        )
    head = [*(name.rpartition(".")[2] for name in names), "carried records/s", "offered records/s", "p99 response, ms"]
    return table([*head, "limited by", "valid trials"], rows)


def _ms(one: Quantiles | None) -> str:
    if one is None or one.mean is None:
        return "–"
    return f"{one.mean * 1e3:,.2f} / {'–' if one.p99 is None else f'{one.p99 * 1e3:,.2f}'}"


def _stages(trials: Sequence[TrialSummary]) -> str:
    names = list(next((trial.stages_s for trial in trials if trial.stages_s), {}))
    rows = ([_name(t), _ms(t.response_time_s), *(_ms(t.stages_s.get(name)) for name in names)] for t in trials)
    return table(["trial", "response", *(name.replace("_", " ") for name in names)], rows)
