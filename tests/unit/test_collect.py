"""Collecting: what swarm and recorder wrote becomes tables, and each commit instant finds the rows it belongs to."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.running.collect import collect
from experiments.store.tables import Tables
from loadgen.batchlog import OVERFLOWED, RESENT, BatchLog
from system.wire import row

EPOCH = 2**63 + 5


def packed(hits: tuple[tuple[int, int], ...] = (), **fields: int) -> bytes:
    names = row.HEADER.names or ()
    values = {name: 0 for name in names} | {"kind": row.ANALYSED, "epoch": EPOCH} | fields | {"hits": len(hits)}
    return row.pack_header(*values.values()) + np.array(list(hits), row.HIT).tobytes()


def stamp(writer: int, seq: int, committed: int, **fields: int) -> bytes:
    return packed(kind=row.STAMP, epoch=0, writer=writer, committed_seq=seq, committed_mono_ns=committed, **fields)


def collected(folder: Path, *rows: bytes, log: tuple[tuple[int, ...], ...] = ()) -> tuple[Tables, int]:
    (folder / "rows.bin").write_bytes(b"".join(rows))
    batches = BatchLog(folder / "batches-0.bin")
    for one in log:
        batches.write(*one)
    batches.close()
    return collect(folder, EPOCH)


def commits(folder: Path, *rows: bytes) -> list[int]:
    return collected(folder, *rows)[0].results["committed_mono_ns"].tolist()


def test_an_empty_trial_has_empty_tables(tmp_path: Path) -> None:
    tables, count = collected(tmp_path)
    assert [len(table) for table in tables] == [0, 0, 0, 0]
    assert count == 0


def test_a_batch_log_row_becomes_a_row_of_the_table(tmp_path: Path) -> None:
    log = ((3, 2**40 - 1, 100, 11, 12, 13, 0), (4, 0, 7, 21, 0, 0, OVERFLOWED), (5, 9, 8, 31, 32, 33, RESENT))
    tables, _ = collected(tmp_path, log=log)
    assert tables.batches.tolist() == [
        (3, 2**40 - 1, 100, 11, 12, 13, False, False),
        (4, 0, 7, 21, 0, 0, True, False),
        (5, 9, 8, 31, 32, 33, False, True),
    ]


def test_a_result_row_becomes_a_row_of_the_table(tmp_path: Path) -> None:
    fields: dict[str, int] = {
        "agent": 3, "first": 100, "count": 10, "attempt": 2, "node": 1, "writer": 77, "seq": 5, "records": 9,
        "malformed": 1, "packed_bytes": 2222, "received_mono_ns": 1, "published_mono_ns": 2, "started_mono_ns": 3,
        "fetched_mono_ns": 4, "scanned_mono_ns": 5,
    }  # fmt: skip
    tables, count = collected(tmp_path, packed(((1, 8),), **fields))
    assert count == 1
    (found,) = tables.results
    assert {name: found[name] for name in fields if name != "seq"} == {n: v for n, v in fields.items() if n != "seq"}
    assert (found["own"], found["analysed"], found["dead"], found["hits"]) == (True, True, False, 1)
    assert found["committed_mono_ns"] == 0


def test_a_dead_row_is_dead_and_not_analysed(tmp_path: Path) -> None:
    (found,) = collected(tmp_path, packed(kind=row.DEAD, count=10))[0].results
    assert (found["own"], found["analysed"], found["dead"]) == (True, False, True)


@pytest.mark.parametrize(
    "foreign", [{"epoch": EPOCH - 1}, {"agent": row.FOREIGN_AGENT, "epoch": 0, "first": 2**64 - 1}]
)
def test_rows_of_another_swarm_or_client_are_not_ours(tmp_path: Path, foreign: dict[str, int]) -> None:
    tables, count = collected(tmp_path, packed(**foreign), packed(count=4))
    assert tables.results["own"].tolist() == [False, True]
    assert count == 2


def test_a_commit_instant_comes_back_from_the_writers_next_row(tmp_path: Path) -> None:
    rows = (
        packed(writer=7, seq=1, count=1),
        packed(writer=7, seq=2, count=2, committed_seq=1, committed_mono_ns=1111),
        packed(writer=7, seq=3, count=3, committed_seq=2, committed_mono_ns=2222),
        stamp(7, 3, 3333),
    )
    assert commits(tmp_path, *rows) == [1111, 2222, 3333]


def test_all_rows_of_one_task_share_its_commit(tmp_path: Path) -> None:
    rows = (packed(writer=7, seq=1), packed(writer=7, seq=1), packed(writer=7, seq=1), stamp(7, 1, 5555))
    assert commits(tmp_path, *rows) == [5555] * 3


def test_a_task_nobody_shipped_the_instant_of_keeps_0(tmp_path: Path) -> None:
    rows = (packed(writer=7, seq=1), packed(writer=7, seq=3), stamp(7, 2, 2222), packed(writer=7, seq=9))
    assert commits(tmp_path, *rows) == [0, 0, 0]
    assert commits(tmp_path, packed(writer=7, seq=1)) == [0]


def test_several_writers_number_their_tasks_alike_and_are_told_apart(tmp_path: Path) -> None:
    rows = (
        packed(writer=7, seq=1),
        packed(writer=2**32 - 1, seq=1),
        stamp(2**32 - 1, 1, 99),
        packed(writer=8, seq=1, committed_seq=0),
        stamp(7, 1, 77),
    )
    assert commits(tmp_path, *rows) == [77, 99, 0]


def test_two_hosts_whose_workers_have_one_process_number_are_told_apart(tmp_path: Path) -> None:
    rows = (
        packed(node=0, writer=12, seq=1),
        packed(node=1, writer=12, seq=1),
        stamp(12, 1, 10, node=0),
        stamp(12, 1, 20, node=1),
    )
    assert commits(tmp_path, *rows) == [10, 20]


def test_a_stamp_that_comes_before_its_row_or_twice_is_the_same_stamp(tmp_path: Path) -> None:
    rows = (stamp(7, 1, 1111), packed(writer=7, seq=1), stamp(7, 1, 1111))
    assert commits(tmp_path, *rows) == [1111]


def test_stamps_are_no_results_and_are_not_counted(tmp_path: Path) -> None:
    tables, count = collected(tmp_path, stamp(7, 1, 1), packed(writer=7, seq=1), stamp(7, 1, 1))
    assert (len(tables.results), count) == (1, 1)


def test_hits_name_the_result_they_belong_to(tmp_path: Path) -> None:
    rows = (packed(((0, 4), (9, 5)), seq=1), stamp(0, 1, 1), packed(seq=2), packed(((3, 4),), seq=3))
    assert collected(tmp_path, *rows)[0].hits.tolist() == [(0, 0, 4), (0, 9, 5), (2, 3, 4)]


@pytest.mark.parametrize("name", ["rows.bin", "batches-0.bin"])
def test_a_file_that_ends_inside_a_row_is_refused(tmp_path: Path, name: str) -> None:
    collected(tmp_path, packed(seq=1), packed(seq=2), log=((0, 0, 1, 1, 1, 1, 0), (0, 1, 1, 1, 1, 1, 0)))
    path: Any = tmp_path / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="inside"):
        collect(tmp_path, EPOCH)


def test_rows_of_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds 1 rows of unknown kinds, the first of kind 9.*different versions"):
        collected(tmp_path, packed(seq=1), packed(kind=9))
