"""Rows that several plots begin with: a trial's, and an estimate's, each under its cell's levels and its label."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from experiments.analysis.findings import Findings
from experiments.analysis.naming import cell_name
from experiments.analysis.summary import CellSummary
from experiments.metrics.trial import TrialSummary
from experiments.plots.plot import Row, Table
from experiments.plots.words import Words
from experiments.stats.estimate import estimate


def label(levels: Mapping[str, Any]) -> str:
    """Some of a cell's levels as people read them; empty for none."""
    return cell_name(levels) if levels else ""


def factors(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """The factors that take more than one level."""
    names = list(cells[0]) if cells else []
    return [name for name in names if len({str(cell.get(name)) for cell in cells}) > 1]


def head(levels: Mapping[str, Any]) -> Row:
    """A row's first columns: the levels, and the label of them."""
    return {**levels, "cell": label(levels)}


def health(found: Findings, cell: CellSummary) -> Row:
    """How many of a cell's trials are to be read with care: invalid ones, and those whose queue had no end."""
    mine = [trial for trial in found.summary.trials if trial.cell == cell.cell]
    return {
        "valid": any(trial.counts for trial in mine),
        "invalid_trials": cell.invalid_trials,
        "overloaded_trials": sum(trial.outcome == "overloaded" for trial in mine),
    }


def marked(row: Row, say: Words) -> list[str]:
    """What is said of a cell because of its health; nothing of a sound one."""
    bad = [say("some_invalid", count=row["invalid_trials"])] if row["invalid_trials"] else []
    full = [say("some_overloaded", count=row["overloaded_trials"])] if row["overloaded_trials"] else []
    return (bad if row["valid"] else [say("invalid")]) + full


def estimated(values: Iterable[float | None]) -> Row:
    """An estimate's columns, over the values that there are."""
    one = estimate([value for value in values if value is not None])
    return {"value": one.value, "low": one.low, "high": one.high, "n": one.n}


def a_cell(found: Findings, figure: Callable[[TrialSummary], Row]) -> Table:
    """Rows of each cell, one a column that `figure` gives of a trial: the estimate over the cell's valid trials.

    A cell without a valid trial is estimated over its invalid ones, and says so: `valid` is false then.
    """
    table: Table = []
    for cell in found.summary.cells:
        mine = [trial for trial in found.summary.trials if trial.cell == cell.cell]
        valid = [trial for trial in mine if trial.counts]
        rows = [figure(trial) for trial in valid or mine]
        table += [
            {
                **head(cell.cell),
                "part": name,
                **estimated(row.get(name) for row in rows),
                **health(found, cell),
            }
            for name in dict.fromkeys(name for row in rows for name in row)
        ]
    return table


def trials(found: Findings) -> Table:
    """A row a trial: its carried load, and beside it the estimate of its cell."""
    table: Table = []
    for cell in found.summary.cells:
        one = cell.carried_records_per_s
        table += [
            {
                **head(cell.cell),
                "trial": trial.index,
                "replicate": trial.replicate,
                "valid": trial.counts,
                "overloaded": trial.outcome == "overloaded",
                "carried_records_per_s": trial.carried_records_per_s,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "n": one.n,
            }
            for trial in found.summary.trials
            if trial.cell == cell.cell and trial.carried_records_per_s is not None
        ]
    return table
