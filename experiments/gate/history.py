"""The history of main: each commit's log-ratios to one pinned reference, both measured in the same pairs.

Reads a gate's result whose base is the reference, and appends a line to SCENARIO.csv: what people and Apache Otava read.
Never absolute values: another machine would look like a change. Otava finds changes of means relative to the mean, so it is
given the ratio (around 1), and the log-ratio (around 0) stands beside it.
Source: Apache Otava, docs/CSV.md, and its CSV importer: a header, one time column, a number in every metric's cell.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from experiments.gate.commits import GateError
from experiments.gate.judge import MetricResult, ScenarioResult
from experiments.gate.metric import METRICS
from experiments.gate.result import GateResult
from experiments.plots.plot import Table, as_csv

#: Columns before those of the metrics.
_HEAD: Final = ("time", "commit", "reference", "pairs", "verdict")

#: What Otava is told.
CONFIG: Final = "otava.yaml"


def append(folder: Path, result: GateResult) -> list[Path]:
    """Adds a line to the file of each scenario that has figures; gives the files, none where nothing was measured.

    Raises: GateError if the base isn't the reference of the history, or the commit stands in it already.
    """
    lines = {one.scenario: line for one in result.scenarios if (line := _line(result, one)) is not None}
    found = {name: [*_checked(folder / f"{name}.csv", result), line] for name, line in lines.items()}
    if not found:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in found.items():
        (folder / f"{name}.csv").write_text(as_csv(rows), encoding="utf-8")
    (folder / CONFIG).write_text(config(folder), encoding="utf-8")
    return [folder / f"{name}.csv" for name in found]


def read(path: Path) -> Table:
    """The lines of one scenario, as text; empty if there is no such file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def metrics(lines: Table) -> list[str]:
    """The metrics of a scenario's lines."""
    return [name.removesuffix("_ratio") for name in lines[0] if name.removesuffix("_ratio") in METRICS] if lines else []


def drawn(lines: Table) -> Table:
    """A row a metric and commit, as `experiments.plots.history` draws them."""
    return [
        {
            "metric": metric,
            "more_is_better": METRICS[metric].more_is_better,
            "commit": line["commit"],
            "reference": line["reference"],
            "ratio": float(line[f"{metric}_ratio"]),
            "low": _number(line[f"{metric}_low_ratio"]),
            "high": _number(line[f"{metric}_high_ratio"]),
        }
        for metric in metrics(lines)
        for line in lines
    ]


def config(folder: Path) -> str:
    """An otava.yaml for all scenarios of a folder: a test each, its file as a path from where Otava is started."""
    said = ["# Written by caudal history. In an environment with Apache Otava: otava analyze SCENARIO", "tests:"]
    for path in sorted(folder.glob("*.csv")):
        said += [f"  {path.stem}:", "    type: csv", f"    file: {path.name}", "    time_column: time"]
        said += ["    attributes: [commit]", "    metrics:"]
        for name in metrics(read(path)):
            direction = 1 if METRICS[name].more_is_better else -1
            said += [f"      {name}:", f"        column: {name}_ratio", f"        direction: {direction}"]
    return "\n".join(said) + "\n"


def _line(result: GateResult, scenario: ScenarioResult) -> dict[str, Any] | None:
    """One line; None unless every metric of the scenario has an estimate: Otava takes no empty cell."""
    if not scenario.metrics or any(one.change_ratio is None for one in scenario.metrics):
        return None
    values = (result.begun_utc, result.head.commit, result.base.commit, scenario.metrics[0].pairs, scenario.verdict)
    line: dict[str, Any] = dict(zip(_HEAD, values, strict=True))
    for one in scenario.metrics:
        line |= _cells(one)
    return line


def _cells(one: MetricResult) -> dict[str, float | None]:
    assert one.change_ratio is not None
    low, high = (None if end is None else 1 + end for end in (one.low_ratio, one.high_ratio))
    return {
        f"{one.metric}_log_ratio": math.log1p(one.change_ratio),
        f"{one.metric}_ratio": 1 + one.change_ratio,
        f"{one.metric}_low_ratio": low,
        f"{one.metric}_high_ratio": high,
    }


def _checked(path: Path, result: GateResult) -> Sequence[dict[str, Any]]:
    lines = read(path)
    for line in lines:
        if line["reference"] != result.base.commit:
            raise GateError(
                f"the base of the result must be the history's pinned reference {line['reference'][:12]} ({path}), got "
                f"{result.base.commit[:12]}; run caudal gate --base {line['reference'][:12]}, or begin a history with --to"
            )
        if line["commit"] == result.head.commit:
            raise GateError(
                f"the commit {result.head.commit[:12]} stands in {path} already; remove its line to measure it again"
            )
    return lines


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
