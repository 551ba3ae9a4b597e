"""Two sealed runs: compared cell by cell, or refused with the reason; an override is marked."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.analysis.compare import Comparison, compare
from experiments.cli.main import main
from experiments.store.run import RunFolder
from loadgen.model.arrivals.constant import Constant
from tests.made_trial import Made, trial
from tests.unit.test_summary import MANIFEST, placed

RATES = (100.0, 102.0, 99.0, 101.0, 103.0)


def sealed(folder: Path, *trials: Made, **manifest: Any) -> RunFolder:
    run = RunFolder.create(folder, {**MANIFEST, **manifest})
    for index, one in enumerate(trials):
        record = msgspec.structs.replace(placed(one, index).record, replicate=index // 2)
        run.add(record, one.tables)
    run.seal()
    return run


def ten(*, faster: float = 1.0) -> list[Made]:
    return [trial(Constant(rate_per_s=rate * faster)) for rate in RATES for _ in range(2)]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return sealed(tmp_path_factory.mktemp("runs") / "one", *ten())


def kinds(found: Comparison) -> list[str]:
    assert not found.cells
    return [refusal.kind for refusal in found.refusals]


def test_the_same_again_differs_in_nothing_and_is_paired(one: RunFolder, tmp_path: Path) -> None:
    found = compare(one, sealed(tmp_path / "other", *ten()))
    assert (found.refusals, found.marks, found.differences, found.differing) == ([], [], [], [])
    assert [cell.carried_records_per_s.value for cell in found.cells] == [1.0, 1.0]
    assert {cell.carried_records_per_s.method for cell in found.cells} == {"paired by replicate, t of the log ratios"}


def test_another_load_is_refused_and_compared_with_a_mark_if_asked(one: RunFolder, tmp_path: Path) -> None:
    other = sealed(tmp_path / "other", *ten(faster=1.5))
    refused = compare(one, other)
    assert kinds(refused) == ["schedule"]
    assert "their load differs, in arrivals" in refused.refusals[0].sentence
    found = compare(one, other, despite=["schedule"])
    assert found.marks == [refused.refusals[0].sentence]
    assert [cell.carried_records_per_s.value for cell in found.cells] == [pytest.approx(1.5, rel=0.03)] * 2
    assert len(found.differing) == 2
    assert {cell.carried_records_per_s.method for cell in found.cells} == {"Welch's t of the logarithms"}


def test_other_seeds_are_another_schedule(one: RunFolder, tmp_path: Path) -> None:
    other = [made.with_record(seed=99) for made in ten()]
    assert "schedule" in kinds(compare(one, sealed(tmp_path / "other", *other)))


def test_another_machine_is_refused_and_another_kernel_is_told(one: RunFolder, tmp_path: Path) -> None:
    machine = {**MANIFEST["machine"], "cores": 64}
    found = compare(one, sealed(tmp_path / "other", *ten(), machine=machine))
    assert kinds(found) == ["machine"]
    assert found.refusals[0].sentence == "they were made on different machines: cores is 2 and 64"
    machine = {**MANIFEST["machine"], "kernel": "Linux 9", "packages": {"celery": "9.9"}}
    told = compare(one, sealed(tmp_path / "newer", *ten(), machine=machine, commit="def"))
    assert told.differences == ["commit: abc123 and def", "celery: None and 9.9", "kernel: None and Linux 9"]


def test_an_older_schema_is_refused_whatever_one_says(one: RunFolder, tmp_path: Path) -> None:
    other = sealed(tmp_path / "other", *ten(), schema_version=1)
    assert kinds(compare(one, other, despite=["machine", "schedule", "invalid"])) == ["schema"]


def test_invalid_trials_are_refused_and_never_enter(one: RunFolder, tmp_path: Path) -> None:
    trials = ten()
    trials[0] = trials[0].with_record(swarm={"bad_acks": 1})
    other = sealed(tmp_path / "other", *trials)
    refused = compare(one, other)
    assert kinds(refused) == ["invalid"]
    assert "other has 1 invalid trials of 10, the first reason: acknowledgements: 1" in refused.refusals[0].sentence
    found = compare(one, other, despite=["invalid"])
    assert [cell.carried_records_per_s.n_second for cell in found.cells] == [4, 5]
    assert found.cells[0].carried_records_per_s.differs is None


def test_runs_without_a_common_cell_are_refused(one: RunFolder, tmp_path: Path) -> None:
    cells = {"name": "x", "question": "", "cells": [{"index": 0, "levels": {"swarm.agents": 1}}]}
    record = trial().with_record(cell={"swarm.agents": 1})
    run = RunFolder.create(tmp_path / "other", {**MANIFEST, "experiment": cells})
    run.add(record.record, record.tables)
    run.seal()
    assert kinds(compare(one, run)) == ["cells"]


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0), capsys.readouterr().out


def test_the_command_says_it_and_its_exit_code_too(
    one: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same, other = sealed(tmp_path / "same", *ten()), sealed(tmp_path / "other", *ten(faster=1.5))
    code, out = command(capsys, "compare", str(one.path), str(same.path))
    assert code == 0
    assert "0 of 2 cells differ" in out
    code, out = command(capsys, "compare", str(one.path), str(other.path))
    assert code == 3
    assert "can't be compared: their load differs, in arrivals (--despite schedule compares all the same)" in out
    code, out = command(capsys, "compare", str(one.path), str(other.path), "--despite", "schedule")
    assert code == 0
    assert "COMPARED ALTHOUGH their load differs" in out
    assert command(capsys, "compare", str(one.path), str(tmp_path))[0] == 2
