"""The notebooks run as they stand, on a run made up here: two trials of known tables in a sealed folder."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from experiments.store.record import Load, TrialRecord
from experiments.store.run import RunFolder
from experiments.store.tables import BATCHES, HITS, RESULTS, Tables

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

SECOND_NS = 1_000_000_000
LOAD = Load(
    arrivals={"kind": "saturate", "window_batches": 4},
    open_loop=False,
    agents=1,
    batch_size=10,
    timeout_s=0.5,
    pause_s=0.0,
    horizon_s=2.0,
    records={"source": "files", "paths": [], "attack_ratio": 0.0, "mix": {}, "ring_size": 100},
)
CELLS: list[dict[str, Any]] = [{"system.engine": "re"}, {"system.engine": "hyperscan"}]


def record(index: int, batches: int) -> TrialRecord:
    return TrialRecord(
        index=index,
        block=0,
        cell_index=index,
        cell=CELLS[index],
        replicate=0,
        seed=1,
        epoch=5,
        load=LOAD,
        config={},
        start_mono_ns=SECOND_NS,
        window=(SECOND_NS, 3 * SECOND_NS),
        planned=10 * batches,
        recorded_rows=batches,
        counters={"batches_analysed": batches},
        cpu_s={"gateway": 0.1, "workers": 1.0},
    )


def tables(batches: int) -> Tables:
    """Each batch of ten records is cut, sent, acknowledged and analysed within the window, 10 ms after the one before."""
    cut = SECOND_NS + 10_000_000 * np.arange(batches)
    sent = np.zeros(batches, BATCHES)
    sent["first"], sent["count"] = 10 * np.arange(batches), 10
    for step, name in enumerate(("cut_mono_ns", "sent_mono_ns", "acked_mono_ns")):
        sent[name] = cut + 1_000_000 * step
    rows = np.zeros(batches, RESULTS)
    rows["own"], rows["analysed"], rows["attempt"] = True, True, 1
    rows["first"], rows["count"], rows["records"], rows["packed_bytes"] = sent["first"], 10, 10, 1000
    instants = [name for name in RESULTS.names or () if name.endswith("_mono_ns")]
    for step, name in enumerate(instants):
        rows[name] = cut + 1_000_000 * (step + 2)
    return Tables(sent, rows, np.zeros(0, HITS))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs with one sealed run in it: 200 and 1000 records in a window of two seconds."""
    manifest = {
        "experiment": {"name": "made-up", "question": "Does it open?", "cells": [{"levels": cell} for cell in CELLS]},
        "trials_planned": 2,
        "commit": None,
        "dirty": False,
        "command": "caudal run made-up",
        "machine": {"cpu_model": "a test's"},
    }
    run = RunFolder.create(tmp_path / "made-up" / "20260101T000000Z-0000", manifest)
    for index, batches in enumerate((20, 100)):
        run.add(record(index, batches), tables(batches))
    run.write_json("summary.json", {})
    run.seal()
    return tmp_path


def execute(path: Path, runs: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    parameters.source = f"RUNS = {str(runs)!r}"
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(runs)}}).execute()
    return notebook


def said(notebook: nbformat.NotebookNode) -> str:
    """All that the cells gave, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "\n".join(str(output.get("text", output.get("data"))) for output in outputs)


@pytest.mark.integration
def test_the_first_look_shows_the_newest_run(runs: Path) -> None:
    shown = said(execute(NOTEBOOKS[0], runs))
    assert "made-up, 20260101T000000Z-0000, valid, a test's" in shown
    assert "<svg" in shown
    assert "engine hyperscan (n = 1)" in shown
    assert "planned=200" in shown
    assert "planned=1000" in shown


@pytest.mark.integration
def test_where_there_is_no_run_the_notebook_fails(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="max"):
        execute(NOTEBOOKS[0], tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert cell.get("execution_count") is None
        assert cell.get("outputs", []) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_hold_no_logic_of_their_own(path: Path) -> None:
    kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, kinds)], cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_stands_in_the_readme(path: Path) -> None:
    assert f"`{path.name}`" in (path.parent / "README.md").read_text()
