"""The notebooks run as they stand: on the published runs, and on a run made up here; each with a kernel of its own."""

import ast
import json
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from experiments.analysis.summary import summary
from experiments.cli.notebook import notebook
from experiments.store.run import RunFolder, StoreError
from tests.made_run import made_run

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

CELLS = [{"system.engine": "re"}, {"system.engine": "hyperscan"}]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A sealed run of two cells, as `caudal run` leaves it."""
    made = made_run(tmp_path, CELLS, replicates=1)
    made.write_json("summary.json", summary(made))
    return made


def execute(path: Path, parameters: str | None = None) -> nbformat.NotebookNode:
    """Runs a notebook where it lies; with other parameters than its own, if there are any."""
    found = nbformat.read(path, as_version=4)
    if parameters is not None:
        (cell,) = [cell for cell in found.cells if "parameters" in cell.metadata.get("tags", ())]
        cell.source = parameters
    NotebookClient(
        found, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    return found


def said(found: nbformat.NotebookNode) -> str:
    """All that the cells gave, as text."""
    outputs = [output for cell in found.cells for output in cell.get("outputs", ())]
    return "\n".join(str(output.get("text", output.get("data"))) for output in outputs)


@pytest.mark.integration
def test_the_first_look_shows_the_newest_run(run: RunFolder) -> None:
    shown = said(execute(FOLDER / "first_look.ipynb", f"RUNS = {str(run.path.parents[1])!r}"))
    assert "made-up, 20260101T000000Z-0000, valid, a test's" in shown
    assert "<svg" in shown
    assert "engine hyperscan" in shown
    ledgers = [one.ledger for one in summary(run).trials]
    assert all(f"planned={ledger.planned}" in shown for ledger in ledgers if ledger)


@pytest.mark.integration
def test_where_there_is_no_run_the_notebook_fails(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="is no run and holds none"):
        execute(FOLDER / "first_look.ipynb", f"RUNS = {str(tmp_path)!r}")


@pytest.mark.integration
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("name", "figures", "words"),
    [
        ("throughput_vs_cores", 3, ["worker cores (count)", "offered records/s"]),
        ("batching", 3, ["frontier", "by timeout, %"]),
        ("the_design_on_trial", 12, ["The design is <b>", "times as good"]),
        ("compare_two_runs", 2, ["1.000 [", "0 of 4 cells differ"]),
    ],
)
def test_the_notebooks_open_at_once_on_what_is_published(name: str, figures: int, words: list[str]) -> None:
    shown = said(execute(FOLDER / f"{name}.ipynb"))
    assert shown.count("<svg") == figures
    assert [word for word in words if word not in shown] == []


# `caudal notebook`.


def copied(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Path:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(notebook, [*words, "--no-open"], standalone_mode=False, catch_exceptions=False)
    if done.exception is not None:
        raise done.exception
    return folder / done.output.strip()


@pytest.mark.integration
def test_a_notebook_opens_on_a_run_of_ones_own(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copied(tmp_path, monkeypatch, "compare_two_runs", "--run", str(run.path), "--run", str(run.path.parent))
    assert copy.name == f"compare_two_runs-{run.run_id}-{run.run_id}.ipynb"
    assert f"{run.run_id} {run.run_id}" in said(execute(copy))


def test_a_copy_that_is_there_is_left_alone(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copied(tmp_path, monkeypatch, "batching", "--run", str(run.path))
    copy.write_text("my work")
    assert copied(tmp_path, monkeypatch, "batching", "--run", str(run.path)).read_text() == "my work"


def test_without_a_run_a_copy_reads_what_is_published_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.loads(copied(tmp_path, monkeypatch, "batching").read_text())
    (cell,) = [one for one in text["cells"] if "parameters" in one["metadata"].get("tags", ())]
    assert Path(ast.literal_eval("".join(cell["source"]).partition(" = ")[2])).samefile(
        FOLDER.parent / "results" / "published" / "batching"
    )


def test_what_can_not_be_opened_is_refused_by_name(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Exception, match="'bathcing' is none of the notebooks: batching, compare_two_runs"):
        copied(tmp_path, monkeypatch, "bathcing")
    with pytest.raises(Exception, match=r"takes 2 runs \(FIRST, SECOND\), got 1"):
        copied(tmp_path, monkeypatch, "compare_two_runs", "--run", str(run.path))
    with pytest.raises(StoreError, match="is no run and holds none"):
        copied(tmp_path, monkeypatch, "batching", "--run", str(tmp_path / "nowhere"))


# As they stand in the repository.


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
