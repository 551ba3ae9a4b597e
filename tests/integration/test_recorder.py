"""The recorder against a real server: takes every row once, counts where others can see it, and ends when told."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis as redis_module

from loadgen import recorder as module
from loadgen.passage import BUCKETS, quantile_s
from loadgen.progress import RECORDER, Progress, recorder_names
from loadgen.recorder import Dealt, Recorder
from system.broker import keys
from system.wire import row

EPOCH = 2**63 + 5


def packed(hits: int = 0, **fields: int) -> bytes:
    default = {"kind": row.ANALYSED, "epoch": EPOCH}
    values = {name: 0 for name in row.HEADER.names or ()} | default | fields | {"hits": hits}
    return row.pack_header(*values.values()) + np.zeros(hits, row.HIT).tobytes()


@pytest.fixture
def recorder(redis: Any, tmp_path: Path) -> Recorder:
    return Recorder(redis, keys.ROWS, tmp_path, EPOCH)


def counted(folder: Path) -> dict[str, int]:
    progress = Progress.read(folder / "recorder.progress", RECORDER)
    return {name: progress[name] for name in RECORDER if name not in BUCKETS}


def end(recorder: Recorder) -> None:
    """Drains what is there and closes the file."""
    stop = threading.Event()
    stop.set()
    recorder.run(stop.is_set)


def test_rows_are_taken_in_order_byte_for_byte_and_leave_the_list(
    redis: Any, recorder: Recorder, tmp_path: Path
) -> None:
    rows = [packed(hits=number % 3, seq=number) for number in range(100)]
    redis.rpush(keys.ROWS, *rows)
    assert recorder.drain() == 100
    assert recorder.drain() == 0
    end(recorder)
    assert (tmp_path / "rows.bin").read_bytes() == b"".join(rows)
    assert redis.llen(keys.ROWS) == 0


def test_every_kind_of_row_is_counted_for_what_it_is(redis: Any, recorder: Recorder, tmp_path: Path) -> None:
    redis.rpush(
        keys.ROWS,
        packed(hits=2, records=10, committed_mono_ns=500),
        packed(records=5, committed_mono_ns=900),
        packed(kind=row.DEAD, count=7, records=0),
        packed(kind=row.STAMP, committed_seq=4, committed_mono_ns=800),
    )
    recorder.drain()
    assert counted(tmp_path) == {
        "rows": 4, "batches": 2, "records": 15, "hits": 2, "dead_batches": 1,
    }  # fmt: skip
    redis.rpush(keys.ROWS, packed(records=1))
    recorder.drain()
    assert counted(tmp_path)["rows"] == 5
    end(recorder)


def test_rows_of_other_clients_are_written_down_and_not_counted(redis: Any, recorder: Recorder, tmp_path: Path) -> None:
    others = [
        packed(epoch=EPOCH + 1, records=3),
        packed(agent=row.FOREIGN_AGENT, records=3),
        packed(epoch=0, kind=row.DEAD),
    ]
    redis.rpush(keys.ROWS, *others, packed(records=10))
    recorder.drain()
    assert {name: counted(tmp_path)[name] for name in ("rows", "batches", "records", "dead_batches")} == {
        "rows": 4, "batches": 1, "records": 10, "dead_batches": 0,
    }  # fmt: skip
    end(recorder)
    assert (tmp_path / "rows.bin").read_bytes() == b"".join(others) + packed(records=10)


def test_the_time_that_own_records_took_is_counted_for_the_screen(
    redis: Any, recorder: Recorder, tmp_path: Path
) -> None:
    progress = Progress.read(tmp_path / "recorder.progress", RECORDER)
    redis.rpush(keys.ROWS, packed(records=10, received_mono_ns=7, scanned_mono_ns=7 + 2_000_000))
    redis.rpush(keys.ROWS, packed(records=5, kind=row.DEAD, received_mono_ns=7, scanned_mono_ns=9))
    redis.rpush(keys.ROWS, packed(records=3, epoch=1, received_mono_ns=7, scanned_mono_ns=9))
    end(recorder)
    assert progress.part(BUCKETS).sum() == 10
    assert quantile_s(progress.part(BUCKETS), 0.5) == pytest.approx(0.002, rel=0.09)


def test_the_ends_of_batches_are_counted_for_the_swarm_process_that_waits_for_them(redis: Any, tmp_path: Path) -> None:
    dealt = Dealt(processes=2, agents_per_connection=3)
    recorder = Recorder(redis, keys.ROWS, tmp_path, EPOCH, dealt)
    rows = [packed(agent=agent) for agent in (0, 2, 3, 5, 5, 6)]
    redis.rpush(
        keys.ROWS, *rows, packed(agent=4, kind=row.DEAD), packed(agent=0, epoch=1), packed(agent=4, kind=row.STAMP)
    )
    recorder.drain()
    progress = Progress.read(tmp_path / "recorder.progress", recorder_names(2))
    assert [progress[name] for name in ("ended_0", "ended_1", "batches", "dead_batches")] == [3, 4, 6, 1]
    end(recorder)


def test_a_long_list_is_taken_in_turns(
    redis: Any, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_A_TURN", 3)
    redis.rpush(keys.ROWS, *(packed(seq=number) for number in range(8)))
    assert [recorder.drain() for _ in range(4)] == [3, 3, 2, 0]
    end(recorder)
    headers, _ = row.split((tmp_path / "rows.bin").read_bytes())
    assert headers["seq"].tolist() == list(range(8))


def test_what_is_in_the_list_when_it_is_told_to_stop_is_taken_before_it_ends(
    redis: Any, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_A_TURN", 7)
    redis.rpush(keys.ROWS, *(packed(seq=number) for number in range(50)))
    end(recorder)
    assert (redis.llen(keys.ROWS), len((tmp_path / "rows.bin").read_bytes())) == (0, 50 * 104)


def test_it_takes_rows_as_they_come_until_it_is_stopped(redis: Any, recorder: Recorder, tmp_path: Path) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=recorder.run, args=(stop.is_set,))
    thread.start()
    progress = Progress.read(tmp_path / "recorder.progress", RECORDER)
    try:
        for turn in range(1, 4):
            redis.rpush(keys.ROWS, packed(records=10))
            until = time.monotonic() + 10
            while progress["batches"] < turn:
                assert time.monotonic() < until, "the row was never taken"
                threading.Event().wait(0.005)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert len((tmp_path / "rows.bin").read_bytes()) == 3 * 104


class Away:
    """A server that is away for the first calls."""

    def __init__(self, client: Any, errors: list[Exception]) -> None:
        self._client = client
        self._errors = errors

    def lpop(self, *arguments: Any) -> Any:
        if self._errors:
            raise self._errors.pop(0)
        return self._client.lpop(*arguments)


def test_a_broker_that_is_away_for_a_moment_is_tried_again(redis: Any, tmp_path: Path) -> None:
    errors = [redis_module.ConnectionError("away"), redis_module.TimeoutError("slow")]
    redis.rpush(keys.ROWS, packed(), packed())
    recorder = Recorder(Away(redis, errors), keys.ROWS, tmp_path, EPOCH)
    stop = threading.Event()
    thread = threading.Thread(target=recorder.run, args=(stop.is_set,))
    thread.start()
    progress = Progress.read(tmp_path / "recorder.progress", RECORDER)
    until = time.monotonic() + 10
    while progress["rows"] < 2 and time.monotonic() < until:
        threading.Event().wait(0.005)
    stop.set()
    thread.join(10)
    assert (errors, progress["rows"]) == ([], 2)


def test_a_broker_that_is_gone_at_the_end_keeps_it_from_nothing(redis: Any, tmp_path: Path) -> None:
    recorder = Recorder(Away(redis, [redis_module.ConnectionError("gone")]), keys.ROWS, tmp_path, EPOCH)
    end(recorder)
    assert (tmp_path / "rows.bin").read_bytes() == b""


def test_rows_that_are_no_rows_end_it_with_an_error_and_are_kept_for_a_look(
    redis: Any, recorder: Recorder, tmp_path: Path
) -> None:
    redis.rpush(keys.ROWS, b"no row")
    with pytest.raises(ValueError, match="result rows end inside a header"):
        end(recorder)
    assert (tmp_path / "rows.bin").read_bytes() == b"no row"
