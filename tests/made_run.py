"""A whole made-up run: trials of known response times in the cells of a test's choice, as `caudal run` leaves it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.store.run import RunFolder
from loadgen.model.arrivals.constant import Constant
from tests.made_trial import Made, trial

#: Records a second of each of the three agents, by replicate: enough for a 99th percentile, and some spread.
RATES = (400.0, 404.0, 396.0, 402.0, 398.0)


def _as_it_is(one: Made, _cell: dict[str, Any], _replicate: int) -> Made:
    return one


def made_run(
    folder: Path,
    cells: Sequence[dict[str, Any]],
    *,
    replicates: int = 5,
    change: Callable[[Made, dict[str, Any], int], Made] = _as_it_is,
    name: str = "made-up",
    steps: bool = False,
    hypotheses: Sequence[dict[str, Any]] = (),
) -> RunFolder:
    """A sealed run of these cells; `change` gets each trial, its cell and replicate, and may plant something."""
    manifest = {
        "experiment": {
            "name": name,
            "question": "Does it show?",
            "seed": 7,
            "steps": steps,
            "hypotheses": list(hypotheses),
            "cells": [{"index": place, "levels": levels} for place, levels in enumerate(cells)],
            "configs": [{"swarm": {"agents": 3}} for _ in cells],
        },
        "trials_planned": replicates * len(cells),
        "commit": "abc123",
        "dirty": False,
        "command": f"caudal run {name}",
        "machine": {"cpu_model": "a test's", "cores": 2, "pinned": True, "packages": {"celery": "5.7.0"}},
    }
    run = RunFolder.create(folder / name / "20260101T000000Z-0000", manifest)
    index = 0
    for replicate in range(replicates):
        made = trial(Constant(rate_per_s=RATES[replicate]))
        for cell in cells:
            one = change(made, cell, replicate).with_record(cell=cell, replicate=replicate, index=index)
            run.add(one.record, one.tables)
            index += 1
    run.seal()
    return run
