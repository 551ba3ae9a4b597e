"""Which trials of a run make a series of sizes, which of them count, and what the page says of the laws."""

from pathlib import Path
from typing import Any

import pytest

from experiments.analysis.findings import findings
from experiments.analysis.scaling import series_of
from experiments.analysis.summary import summary
from experiments.report.page import page
from experiments.store.run import RunFolder
from tests.made_run import made_run
from tests.made_trial import Made

SIZES = (1, 2, 4, 8)
NODES = [{"system.worker_cores": size, "system.engine": engine} for engine in ("re", "hyperscan") for size in SIZES]


def sized(one: Made, cell: dict[str, Any], _replicate: int) -> Made:
    """Workers on as many cores as the cell says; two sizes of `hyperscan` are invalid."""
    cpus = list(range(cell["system.worker_cores"]))
    invalid = cell["system.engine"] == "hyperscan" and cell["system.worker_cores"] > 2
    return one.with_record(target={"placement": {"workers": cpus}}, swarm={"bad_acks": int(invalid)})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return made_run(tmp_path_factory.mktemp("run"), NODES, replicates=2, change=sized)


def test_each_combination_of_the_other_factors_is_a_series_of_its_own(run: RunFolder) -> None:
    found = {one.series: one for one in summary(run).scaling}
    assert set(found) == {"engine re", "engine hyperscan"}
    assert found["engine re"].sizes == [1, 2, 4, 8]
    assert [law.law for law in found["engine re"].laws] == ["amdahl", "usl"]
    # All sizes carry the same: s = 1 says so of both laws.
    for law in found["engine re"].laws:
        assert law.parameters["serial_ratio"].value == pytest.approx(1.0, rel=0.05)
        assert {one.size for one in law.left_out} <= {1, 2, 4, 8}


def test_invalid_trials_enter_no_law(run: RunFolder) -> None:
    (found,) = [one for one in summary(run).scaling if one.series == "engine hyperscan"]
    assert found.sizes == [1, 2]
    assert found.laws == [], "two sizes are too few for two parameters"


def test_the_page_has_the_laws_and_says_where_there_is_none(run: RunFolder) -> None:
    text = page(findings(run), {})
    assert "<h2>Scaling</h2>" in text
    assert "<td>usl</td>" in text
    assert "none: 2 sizes, a law needs 3 or more" in text
    assert "Emulated" not in text


def test_the_page_says_of_emulated_workers_that_they_are(tmp_path: Path) -> None:
    cells = [{"system.worker_concurrency": size} for size in (1, 2)]

    def waiting(one: Made, cell: dict[str, Any], _: int) -> Made:
        return one.with_record(
            target={"worker_concurrency": cell["system.worker_concurrency"]}, config={"system": {"engine": "emulated"}}
        )

    text = page(findings(made_run(tmp_path, cells, replicates=1, change=waiting)), {})
    assert "<b>Emulated:</b>" in text
    assert "<p>emulated: all trials: 2 sizes, a law needs 3 or more.</p>" in text
    assert "crosstalk" not in text, "a formula and a row of dashes say nothing where there is no law"


def test_a_size_is_no_part_of_a_series_name() -> None:
    levels = {"system.worker_cores": 2, "system.worker_concurrency": 4, "system.worker_nodes": 1, "system.engine": "re"}
    assert series_of(levels, emulated=True) == "engine re"
    assert series_of(levels, emulated=False) == "worker_concurrency 4, worker_nodes 1, engine re"
    assert series_of({**levels, "system.worker_concurrency": "cores"}, emulated=False) == "worker_nodes 1, engine re"
    assert series_of({"system.worker_cores": 2}, emulated=False) == ""


def test_a_window_that_goes_with_the_size_is_no_factor_and_one_of_its_own_is(tmp_path: Path) -> None:
    window = "swarm.arrivals.window_batches"
    cells = [{"system.worker_cores": size, "system.engine": "re", window: 4 * size} for size in (1, 2)]
    assert [one.series for one in summary(made_run(tmp_path / "a", cells, replicates=1, change=sized)).scaling] == [
        "engine re"
    ]
    crossed = [{**cell, window: level} for cell in cells for level in (8, 16)]
    found = summary(made_run(tmp_path / "b", crossed, replicates=1, change=sized)).scaling
    assert [one.series for one in found] == ["engine re, window_batches 8", "engine re, window_batches 16"]


def test_a_run_of_one_size_has_no_series(tmp_path: Path) -> None:
    assert summary(made_run(tmp_path, [{"system.engine": "re"}], replicates=1)).scaling == []
