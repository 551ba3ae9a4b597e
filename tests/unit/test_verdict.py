"""The end of a run in a terminal: nothing folds at 80 columns, and a limit is named only where one was met."""

import io
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from rich.console import Console

from experiments.analysis.scaling import Point, out_of_cores
from experiments.analysis.summary import LIMITING_RATIO, CellSummary, Summary, at_limit
from experiments.cli.verdict import print_end, verdict_line
from experiments.metrics.trial import TrialSummary
from experiments.stats.estimate import estimate
from experiments.store.record import Load, TrialRecord

CELLS = [
    {
        "system.profile": "memoria", "system.engine": "hyperscan", "swarm.batch_size": size,
        "swarm.arrivals.window_batches": 512, "system.worker_cores": "all",
    }
    for size in (10, 1000)
]  # fmt: skip


def summary(bottleneck: str | None) -> Summary:
    nothing: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(CellSummary)}
    told = {
        "carried_records_per_s": estimate([123456.0 * one for one in (1, 2, 3, 4, 5)]),
        "offered_records_per_s": estimate([]),
        "p99_response_s": estimate([3.3648]),
        "bottleneck": bottleneck,
        "trials": 5,
        "invalid_trials": 0,
        "failed_trials": 0,
    }
    cells = [CellSummary(**(nothing | told | {"cell": cell})) for cell in CELLS]
    fields: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(Summary)}
    return Summary(
        **(fields | {"trials": [], "hypotheses": [], "cells": cells, "verdict": "valid", "command": "caudal run x"})
    )


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_row_folds_and_every_level_is_named(width: int) -> None:
    out = io.StringIO()
    print_end(Console(file=out, width=width), summary("workers"), Path("results/x"))
    lines = out.getvalue().splitlines()
    table = lines[: next(place for place, line in enumerate(lines) if line.startswith("VALID"))]
    assert all(len(line) <= width for line in table), table
    figures = [line for line in table if "5 of 5" in line]
    assert len(figures) == len(CELLS)
    assert all("321,624" in line and "3,364.8 ms" in line and "workers" in line for line in figures)
    for name in ("profile", "engine", "batch_size", "window_batches", "worker_cores", "memoria", "1000"):
        assert name in "\n".join(table)
    assert (len(table) == 1 + len(CELLS)) is (width >= 200)


def test_a_limit_is_named_only_where_there_is_one() -> None:
    assert "limited by workers" in verdict_line(summary("workers"))
    assert "limited by" not in verdict_line(summary(None))


@pytest.mark.parametrize(
    ("open_loop", "outcome", "pauses_s", "workers_cpu_s", "met"),
    [
        (False, "ok", (0.0,), 0.1, True),
        (False, "ok", (0.01,), 0.1, True),
        (True, "overloaded", (0.0,), 0.1, True),
        (True, "overloaded", (0.01,), 16.9, False),
        (True, "overloaded", (0.0, 0.01), 16.9, False),
        (True, "overloaded", (0.01,), 17.1, True),
        (True, "ok", (0.0,), 16.9, False),
        (True, "ok", (0.0,), 17.1, True),
    ],
)
def test_a_limit_is_met_at_full_load_overloaded_or_on_busy_cores(
    open_loop: bool, outcome: str, pauses_s: tuple[float, ...], workers_cpu_s: float, met: bool
) -> None:
    """Agents that pause may be all that doesn't follow."""
    load = Load(
        arrivals={"kind": "any"}, open_loop=open_loop, agents=1, batch_size=1, timeout_s=1.0, pause_s=pauses_s[0],
        horizon_s=10.0, records={}, classes=[{"pause_s": pause_s} for pause_s in pauses_s[1:]],
    )  # fmt: skip
    record = TrialRecord(
        index=0, block=0, cell_index=0, cell={}, replicate=0, seed=0, epoch=0, load=load, config={},
        window=(0, 10_000_000_000), cpu_s={"workers": workers_cpu_s}, target={"placement": {"workers": [0, 1]}},
    )  # fmt: skip
    assert at_limit(record, outcome) is met


@pytest.mark.parametrize(("used_ratio", "out"), [(0.74, []), (0.80, [2])])
def test_all_parts_together_run_out_of_cores_at_less_than_one_part_is_limited_by_its_own(
    used_ratio: float, out: list[int]
) -> None:
    """At 0.80 an emulated series has no cores left to scale on, and a part on its own cores limits nothing yet (above)."""
    trial = cast(TrialSummary, None)  # what is asked reads the point alone
    assert out_of_cores([Point(trial, "a", True, 2, True, used_ratio)]) == out
    assert used_ratio < LIMITING_RATIO
