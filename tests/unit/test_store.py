"""The store: what was written is read back, a run is open until it is sealed, and what can't be read says why."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.store import tables as store_tables
from experiments.store.record import SCHEMA_VERSION, TrialRecord
from experiments.store.run import SUMS, RunFolder, StoreError
from experiments.store.tables import FOLDERS, Tables
from tests import made

MANIFEST: dict[str, Any] = {"experiment": {"name": "ünïcode"}, "trials_planned": 2}


def some_tables(rows: int) -> Tables:
    """Every column with values of its own, the widest among them."""
    found = []
    for dtype in FOLDERS.values():
        table = np.zeros(rows, dtype)
        for place, name in enumerate(dtype.names or ()):
            kinds = {"b": lambda n: n % 2, "U": lambda n: f"ü{n}", "f": lambda n: n / 3, "i": lambda n: 2**62 - n}
            table[name] = [kinds[dtype[name].kind](100 * place + row) for row in range(rows)]
        found.append(table)
    return Tables(*found)


def assert_same(one: Tables, other: Tables) -> None:
    for mine, theirs in zip(one, other, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "exp" / "run-1", MANIFEST)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_tables_are_read_as_they_were_written(tmp_path: Path, rows: int) -> None:
    written = some_tables(rows)
    store_tables.write(tmp_path, 7, written)
    assert_same(store_tables.read(tmp_path, 7), written)
    assert (tmp_path / "hits.parquet" / "trial-0007.parquet").is_file()


def test_a_record_is_read_as_it_was_written(run: RunFolder) -> None:
    written = made.record(
        cell={"swarm.batch_size": 100, "system.engine": "re"},
        seed=2**53,
        epoch=2**64 - 1,
        window=(2**60, 2**60 + 1),
        left=[(1, 2, 3)],
        counters={"pending": 4},
        cpu_s={"workers": 0.1 + 0.2},
        faults=[{"kind": "x", "done": {"pids": [1]}}],
    )
    run.add(written, some_tables(2))
    assert run.records() == [written]
    assert_same(run.tables(written) or pytest.fail("no tables"), some_tables(2))


def test_a_trial_from_before_there_were_probes_is_read_without_them(run: RunFolder) -> None:
    old = made.record(probes=None)
    run.add(old, some_tables(2))
    (run.path / "probes.parquet" / "trial-0000.parquet").unlink()
    stored = json.loads((run.path / "trials" / "0000.json").read_bytes())
    del stored["probes"]
    run.write_json("trials/0000.json", stored)
    (record,) = run.records()
    found = run.tables(record) or pytest.fail("no tables")
    assert record == old
    assert_same(found, some_tables(2)._replace(probes=found.probes))
    assert len(found.probes) == 0


def test_a_failed_trial_has_a_record_and_no_tables(run: RunFolder) -> None:
    failed = made.record(failure="the swarm died")
    run.add(failed, None)
    assert run.records() == [failed]
    assert run.tables(failed) is None


def test_records_come_in_the_plans_order_also_past_ten_thousand(run: RunFolder) -> None:
    for index in (10_000, 9_999, 3, 20):
        run.add(made.record(index=index), None)
    assert [record.index for record in run.records()] == [3, 20, 9_999, 10_000]


def test_a_run_is_partial_until_it_is_sealed_and_keeps_its_name(run: RunFolder) -> None:
    assert (run.path.name, run.sealed, run.run_id) == ("run-1.partial", False, "run-1")
    run.add(made.record(), some_tables(1))
    run.seal()
    assert (run.path.name, run.sealed, run.run_id) == ("run-1", True, "run-1")
    again = RunFolder.open(run.path)
    assert again.manifest == {"schema_version": SCHEMA_VERSION, **MANIFEST}
    assert again.records() == [made.record()]


def test_an_interrupted_run_is_opened_with_what_was_done(run: RunFolder) -> None:
    run.add(made.record(index=0), some_tables(1))
    store_tables.write(run.path, 1, some_tables(1))  # killed between a trial's tables and its record
    (run.path / "trials" / "0001.json.tmp").write_bytes(b'{"half')
    again = RunFolder.open(run.path)
    assert not again.sealed
    assert [record.index for record in again.records()] == [0]


def test_a_trial_that_was_half_written_is_written_again(run: RunFolder) -> None:
    store_tables.write(run.path, 1, some_tables(5))
    run.add(made.record(index=1), some_tables(2))
    (record,) = run.records()
    assert_same(run.tables(record) or pytest.fail("no tables"), some_tables(2))


def test_a_run_never_writes_over_another(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        RunFolder.create(tmp_path / "exp" / "run-1", MANIFEST)
    run.add(made.record(), None)
    run.seal()
    other = RunFolder.create(tmp_path / "exp" / "run-1", MANIFEST)
    with pytest.raises(OSError, match="not empty"):
        other.seal()
    assert run.records() == [made.record()]


def test_discarding_removes_a_run_in_which_nothing_was_done(run: RunFolder) -> None:
    run.discard()
    assert not run.path.exists()


def test_discarding_keeps_a_run_with_a_trial_and_a_sealed_one(run: RunFolder, tmp_path: Path) -> None:
    run.add(made.record(), None)
    run.discard()
    assert run.records() == [made.record()]
    empty = RunFolder.create(tmp_path / "exp" / "run-2", MANIFEST)
    empty.seal()
    empty.discard()
    assert empty.path.is_dir()


def test_a_value_that_cannot_be_written_leaves_the_old_file(run: RunFolder) -> None:
    run.write_json("summary.json", {"a": 1})
    with pytest.raises(TypeError):
        run.write_json("summary.json", {"a": object()})
    assert json.loads((run.path / "summary.json").read_bytes()) == {"a": 1}


# What can't be read.


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is not a run: it holds no manifest.json; a run's folder is the last line"):
        RunFolder.open(tmp_path)
    with pytest.raises(StoreError, match="is not a run"):
        RunFolder.open(tmp_path / "missing")


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0, -1, "1", None])
def test_a_schema_version_that_this_one_does_not_read_is_refused(run: RunFolder, version: object) -> None:
    run.write_json("manifest.json", {**MANIFEST, "schema_version": version})
    expected = f"has schema version {version}; this Caudal reads 1 to {SCHEMA_VERSION}: use a newer one"
    with pytest.raises(StoreError, match=expected):
        RunFolder.open(run.path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"\xff"'])
def test_a_damaged_manifest_is_named(run: RunFolder, text: str) -> None:
    (run.path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match=r"manifest.json is damaged"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"index": "seven"}'])
def test_a_damaged_record_is_named(run: RunFolder, text: str) -> None:
    (run.path / "trials" / "0003.json").write_text(text)
    with pytest.raises(StoreError, match=r"0003.json is damaged"):
        run.records()


def damage_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_column(path: Path) -> None:
    pq.write_table(pa.table({"agent": [1]}), path)


@pytest.mark.parametrize("damage", [Path.unlink, damage_cut, damage_empty, damage_column])
@pytest.mark.parametrize("name", list(FOLDERS))
def test_tables_that_are_missing_or_damaged_are_named(run: RunFolder, name: str, damage: Any) -> None:
    record: TrialRecord = made.record(index=4)
    run.add(record, some_tables(3))
    damage(run.path / f"{name}.parquet" / "trial-0004.parquet")
    with pytest.raises(StoreError, match="the tables of trial 4 are missing or damaged"):
        run.tables(record)


def test_an_open_run_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path / "run", MANIFEST)
    second = RunFolder.open(first.path)
    with pytest.raises(StoreError, match="is being run by another process"):
        second.hold()
    first.release()
    second.hold()
    second.seal()
    assert not (tmp_path / "run" / "lock").exists()


def sealed_run(run: RunFolder) -> RunFolder:
    run.add(made.record(index=0), some_tables(3))
    run.seal()
    return run


def test_a_sealed_run_is_as_it_was_sealed(run: RunFolder) -> None:
    path = sealed_run(run).path
    assert RunFolder.open_sealed(path).sealed
    checked = subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=path, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
    (path / "report.html").write_text("made again")  # what is rebuilt from the raw data isn't sealed
    RunFolder.open_sealed(path)


@pytest.mark.parametrize("name", ["manifest.json", "trials/0000.json", "hits.parquet/trial-0000.parquet"])
def test_a_file_that_was_changed_after_the_sealing_is_named(run: RunFolder, name: str) -> None:
    path = sealed_run(run).path
    (path / name).write_bytes((path / name).read_bytes() + b" ")
    with pytest.raises(StoreError, match=rf"{name} isn't as it was sealed"):
        RunFolder.open_sealed(path).verify()


def test_a_file_that_was_added_or_removed_is_named(run: RunFolder) -> None:
    path = sealed_run(run).path
    (path / "trials" / "0001.json").write_bytes((path / "trials" / "0000.json").read_bytes())
    with pytest.raises(StoreError, match=r"0001.json isn't as it was sealed"):
        RunFolder.open_sealed(path)
    (path / "trials" / "0001.json").unlink()
    (path / "trials" / "0000.json").unlink()
    with pytest.raises(StoreError, match=r"0000.json is missing"):
        RunFolder.open_sealed(path)


def test_a_run_that_is_not_finished_is_not_taken_for_one(run: RunFolder) -> None:
    run.add(made.record(index=0), some_tables(3))
    with pytest.raises(StoreError, match=r"isn't finished: 1 of 2 trials are done; go on with"):
        RunFolder.open_sealed(run.path)
