"""The history of main: what is appended, what is refused, what Otava's importer reads of it, and the command."""

import csv
import math
from pathlib import Path

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from experiments.cli.history import history as command
from experiments.gate import outputs
from experiments.gate.commits import GateError
from experiments.gate.history import CONFIG, append, drawn, read
from experiments.gate.judge import judge
from experiments.gate.metric import METRICS
from experiments.gate.result import GateResult, Revision
from tests.unit.gate_pairs import HEAVY, LATENCY, pairs_of

REFERENCE = "a" * 40


def result_of(head: str, *, reference: str = REFERENCE, slowdown: float = 0.0, pairs: int = 13) -> GateResult:
    played = [
        (one, pairs_of(pairs, slowdown=slowdown, scenario=one.name, sd=0.001, seed=len(one.name)))
        for one in (HEAVY, LATENCY)
    ]
    return GateResult(
        verdict="PASS",
        reason="made up",
        base=Revision(revision="v0.1.0", commit=reference),
        head=Revision(revision="HEAD", commit=head),
        harness=None,
        command="caudal gate",
        seed=1,
        budget_s=1.0,
        begun_utc="2026-11-28T10:00:00+00:00",
        finished_utc="",
        machine={},
        gated_metrics=3,
        false_alarm_ratio=0.01,
        missed_ratio=0.05,
        scenarios=[judge(some, one, metrics=3, over="over") for one, some in played],
        pairs=[pair for _, some in played for pair in some],
    )


def test_a_commits_log_ratios_are_appended_in_order(tmp_path: Path) -> None:
    append(tmp_path, result_of("b" * 40))
    files = append(tmp_path, result_of("c" * 40, slowdown=0.04))
    assert [one.name for one in files] == ["gate-heavy.csv", "gate-latency.csv"]
    first, second = read(files[0])
    assert (first["commit"], second["commit"]) == ("b" * 40, "c" * 40)
    assert float(first["throughput_log_ratio"]) == pytest.approx(0.0, abs=2e-3)
    assert float(second["throughput_log_ratio"]) == pytest.approx(math.log(0.96), abs=2e-3)
    assert float(second["throughput_low_ratio"]) < 0.9605 < float(second["throughput_high_ratio"]) + 2e-3
    assert float(read(files[1])[1]["p99_log_ratio"]) == pytest.approx(math.log(1.04), abs=2e-3)


def test_another_base_than_the_pinned_reference_is_refused(tmp_path: Path) -> None:
    append(tmp_path, result_of("b" * 40))
    before = (tmp_path / "gate-heavy.csv").read_text()
    with pytest.raises(GateError, match=r"pinned reference aaaaaaaaaaaa .* got dddddddddddd; run caudal gate --base"):
        append(tmp_path, result_of("c" * 40, reference="d" * 40))
    assert (tmp_path / "gate-heavy.csv").read_text() == before


def test_a_commit_stands_in_it_once(tmp_path: Path) -> None:
    append(tmp_path, result_of("b" * 40))
    with pytest.raises(GateError, match=r"bbbbbbbbbbbb stands in .* already"):
        append(tmp_path, result_of("b" * 40))


def test_a_scenario_without_an_estimate_gets_no_line(tmp_path: Path) -> None:
    assert append(tmp_path / "new", result_of("b" * 40, pairs=0)) == []
    assert not (tmp_path / "new").exists()


def imported(test: dict[str, object], folder: Path) -> dict[str, list[float]]:
    """What Otava's importer does with a test of its config: time and metrics by column, every cell a number."""
    assert test["type"] == "csv"
    with (folder / str(test["file"])).open(newline="") as file:
        header, *rows = csv.reader(file, delimiter=",", quotechar='"')
    assert test["time_column"] in header
    assert all(one in header for one in test["attributes"])  # type: ignore[attr-defined]
    assert all(len(row) >= len(header) for row in rows)
    metrics: dict[str, dict[str, str]] = test["metrics"]  # type: ignore[assignment]
    return {name: [float(row[header.index(one["column"])]) for row in rows] for name, one in metrics.items()}


def test_otava_reads_every_cell_that_its_config_names(tmp_path: Path) -> None:
    append(tmp_path, result_of("b" * 40))
    append(tmp_path, result_of("c" * 40, slowdown=0.04))
    tests = yaml.safe_load((tmp_path / CONFIG).read_text())["tests"]
    assert set(tests) == {"gate-heavy", "gate-latency"}
    heavy = imported(tests["gate-heavy"], tmp_path)
    assert heavy["throughput"] == pytest.approx([1.0, 0.96], abs=2e-3)
    assert heavy["cpu"] == pytest.approx([1.0, 1.0], abs=2e-3)
    directions = {name: one["direction"] for test in tests.values() for name, one in test["metrics"].items()}
    assert directions == {name: 1 if one.more_is_better else -1 for name, one in METRICS.items()}


def test_what_is_drawn_is_a_row_a_metric_and_commit(tmp_path: Path) -> None:
    (heavy, _) = append(tmp_path, result_of("b" * 40))
    rows = drawn(read(heavy))
    assert [(row["metric"], row["commit"]) for row in rows] == [("throughput", "b" * 40), ("cpu", "b" * 40)]
    assert all(row["low"] <= row["ratio"] <= row["high"] for row in rows)


def test_the_command_appends_draws_and_names_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "gate"
    folder.mkdir()
    outputs.write(folder, result_of("b" * 40))
    done = CliRunner().invoke(command, [str(folder), "--to", str(tmp_path / "kept")], standalone_mode=False)
    assert done.return_value == 0
    assert done.output.split() == [str(tmp_path / "kept" / f"{name}.csv") for name in ("gate-heavy", "gate-latency")]
    figure = (tmp_path / "kept" / "gate-heavy.svg").read_text()
    assert "throughput: head / reference aaaaaaa (more is better)" in figure
    assert "bbbbbbb" in figure


def test_a_result_that_measured_nothing_appends_nothing_and_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "gate"
    folder.mkdir()
    nothing = msgspec.structs.replace(result_of("b" * 40), scenarios=[], reason="nothing that runs differs")
    outputs.write(folder, nothing)
    done = CliRunner().invoke(command, [str(folder), "--to", str(tmp_path / "kept")], standalone_mode=False)
    assert done.return_value == 0
    assert "nothing to append: PASS: nothing that runs differs" in done.output
    assert not (tmp_path / "kept").exists()
