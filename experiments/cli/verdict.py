"""The end of a run as people read it: the cells, the verdict line, the report's path, what to do next."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.analysis.naming import cell_name, columns
from experiments.analysis.steps import Step
from experiments.analysis.summary import CellSummary, Summary
from experiments.analysis.totals import totals
from experiments.report.hypotheses import decision_line
from experiments.report.steps import gains
from experiments.stats.estimate import LEAST_TRIALS

#: With fewer connections what the gateway grew by is batches in its hands and noise.
LEAST_CONNECTIONS: Final = 1000


def verdict_line(found: Summary) -> str:
    """VALID or INVALID, the best cell's throughput, its bottleneck, and the sums of the ledgers over all trials."""
    all_trials = totals(found.trials)
    words = [found.verdict.upper()]
    if (best := found.best) is not None:
        limit = "" if best.bottleneck is None else f", limited by {best.bottleneck}"
        words.append(f"{best.carried_records_per_s} records/s{limit}")
    if all_trials.ledgers:
        words.append(f"{all_trials.lost} lost, {all_trials.duplicate_results} duplicate results")
    else:
        words.append("nothing was measured")
    if (judged := all_trials.detections) is not None:
        words.append(
            f"{judged.found} detections"
            if judged.planted is None
            else f"{judged.missed} missed, {judged.spurious} spurious"
        )
    if invalid := all_trials.trials - all_trials.valid:
        words.append(f"{invalid} of {all_trials.trials} trials invalid")
    if not found.complete:
        words.append(f"UNFINISHED: only {all_trials.trials} of the planned trials are here")
    if all_trials.overloaded:
        words.append(f"overloaded in {all_trials.overloaded} of {all_trials.trials} trials")
    if all_trials.repeated:
        words.append(f"{all_trials.repeated} of {all_trials.trials} trials repeated")
    if all_trials.died:
        words.append(f"the system died in {all_trials.died} of {all_trials.trials} trials")
    return "; ".join(words)


def interval_line(found: Summary) -> str:
    """Why a cell has no interval, and the command that gives one: five valid trials, more where some were lost."""
    fewest = min(cell.carried_records_per_s.n for cell in found.cells)
    run = max(cell.trials for cell in found.cells)
    wanted = LEAST_TRIALS if run < LEAST_TRIALS else 2 * run
    return f"n = {fewest}, no interval: `{found.command} --set experiment.replicates={wanted}` gives one"


def connection_lines(found: Summary) -> list[str]:
    """What a connection took of the gateway's memory, trial by trial, where there were enough of them to tell."""
    lines = []
    for trial in found.trials:
        count, taken = trial.cost.get("connections", 0), trial.cost.get("gateway_resident_bytes_per_connection")
        if count >= LEAST_CONNECTIONS and taken is not None:
            lines.append(
                f"trial {trial.index}: {count:,} connections, {taken / 1000:,.1f} kB of the gateway's memory each"
            )
    return lines


def print_end(console: Console, found: Summary, run: Path) -> None:
    """Prints the cells' table, the verdict, the report and the next command; the run's folder is the last line."""
    _print_cells(console, found.cells)
    if found.steps:
        _print_steps(console, found.steps)
    print_reasons(console, found)
    for line in connection_lines(found):
        console.print(line, highlight=False, soft_wrap=True)
    for one in found.hypotheses:
        console.print(f"{one.decision}: {one.says} ({one.because})", highlight=False, soft_wrap=True)
    if found.decision is not None:
        console.print(decision_line(found.hypotheses, found.decision), style="bold", highlight=False, soft_wrap=True)
    console.print(verdict_line(found), style="bold green" if found.verdict == "valid" else "bold red", soft_wrap=True)
    # Where no trial was valid, more of them would end like it: the reasons say what to mend.
    if any(cell.carried_records_per_s.low is None for cell in found.cells if cell.carried_records_per_s.n):
        console.print(interval_line(found), highlight=False, soft_wrap=True)
    console.print(f"report: {run / 'report.html'}", highlight=False, soft_wrap=True)
    console.print(
        f"next: caudal report {run}    caudal plan batching    caudal run batching", highlight=False, soft_wrap=True
    )


def print_reasons(console: Console, found: Summary) -> None:
    """Prints why trials are invalid, or were before another attempt."""
    for trial in found.trials:
        for attempt, reasons in enumerate(trial.repeated, start=1):
            console.print(
                f"trial {trial.index}, attempt {attempt}, repeated: {'; '.join(reasons)}",
                highlight=False,
                soft_wrap=True,
            )
        for reason in trial.reasons:
            console.print(f"trial {trial.index}: {reason}", highlight=False, soft_wrap=True)


def _print_steps(console: Console, steps: Sequence[Step]) -> None:
    """What each step of a walk gained."""
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("step")
    for name in ("times the step before", "times the first"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in steps:
        table.add_row(Text(one.name), *gains(one))
    console.print(table)


#: What a cell's row says beside its levels.
_COLUMNS = ("records/s", "95 % interval", "p99 response", "limited by", "valid trials")


def _figures(cell: CellSummary) -> tuple[str, ...]:
    """What stands in a cell's row under _COLUMNS."""
    rate, p99 = cell.carried_records_per_s, cell.p99_response_s.value
    return (
        "–" if rate.value is None else f"{rate.value:,.0f}",
        f"n = {rate.n}, none" if rate.low is None else f"{rate.low:,.0f} to {rate.high:,.0f}",
        "–" if p99 is None else f"{p99 * 1e3:,.1f} ms",
        cell.bottleneck or "–",
        f"{cell.trials - cell.invalid_trials - cell.failed_trials} of {cell.trials}",
    )


def _print_cells(console: Console, cells: Sequence[CellSummary]) -> None:
    """The cells, slowest first: a column a factor where there is room for that, else a line a cell above its figures."""
    names = columns([cell.cell for cell in cells])
    ordered = sorted(cells, key=lambda one: one.carried_records_per_s.value or 0.0)
    wide, narrow = (Table(box=None, padding=(0, pad), header_style="bold") for pad in (2, 1))
    for name in names:
        wide.add_column(name.rpartition(".")[2])
    for name in _COLUMNS:
        wide.add_column(name, justify="right")
        narrow.add_column(name, justify="right", no_wrap=True)
    for cell in ordered:
        wide.add_row(*(str(cell.cell[name]) for name in names), *_figures(cell))
        narrow.add_row(*_figures(cell))
    if wide.__rich_measure__(console, console.options.update(max_width=10_000)).maximum <= console.width:
        console.print(wide)
        return
    # The figures' columns stay in line under one another, so the table is printed once and its lines are taken apart.
    with console.capture() as captured:
        console.print(narrow)
    head, *rows = captured.get().rstrip("\n").split("\n")
    console.out(head, highlight=False)
    for cell, row in zip(ordered, rows, strict=True):
        label = cell_name(cell.cell, equals="=", between="  ")
        console.print(label, style="bold", highlight=False, markup=False)  # breaks between levels
        console.out(row, highlight=False)
