"""Turns what swarm and recorder wrote (batches-N.bin, rows.bin) into the trial's tables.

The commit's instant of a task travels with a later row of the same writer; here it comes back to the rows it belongs to.
A row whose writer died before it could ship the instant keeps 0: committed, instant unknown.
"""

from pathlib import Path

import numpy as np

from experiments.store.tables import BATCHES, HITS, RESULTS, Tables
from loadgen.batchlog import BATCH, OVERFLOWED, RESENT
from system.wire import row


def collect(folder: Path, epoch: int) -> tuple[Tables, int]:
    """The tables of a trial whose swarm sent chunks of `epoch`, and the number of rows that the recorder took.

    Raises: ValueError if a file ends inside a row, or holds rows of an unknown kind.
    """
    headers, hits = row.split((folder / "rows.bin").read_bytes())
    strange = ~np.isin(headers["kind"], (row.ANALYSED, row.STAMP, row.DEAD))
    if strange.any():
        raise ValueError(
            f"{folder / 'rows.bin'} holds {int(strange.sum())} rows of unknown kinds, the first of kind"
            f" {headers['kind'][strange][0]}: system and harness are of different versions"
        )
    cut = [_batches(path) for path in sorted(folder.glob("batches-*.bin"))]
    tables = Tables(np.concatenate(cut), _results(headers, epoch), _hits(headers, hits))
    return tables, int((headers["kind"] != row.STAMP).sum())


def _batches(path: Path) -> np.ndarray:
    beyond = path.stat().st_size % BATCH.itemsize
    if beyond:
        raise ValueError(f"{path} ends inside a row: {beyond} bytes are left over; the swarm didn't close it")
    raw = np.fromfile(path, BATCH)
    table = np.empty(len(raw), BATCHES)
    for name in ("agent", "first", "count", "cut_mono_ns", "sent_mono_ns", "acked_mono_ns"):
        table[name] = raw[name]
    table["overflowed"] = (raw["flags"] & OVERFLOWED) > 0
    table["resent"] = (raw["flags"] & RESENT) > 0
    return table


def _results(headers: np.ndarray, epoch: int) -> np.ndarray:
    rows = headers[headers["kind"] != row.STAMP]
    table = np.empty(len(rows), RESULTS)
    for name in set(RESULTS.names or ()) - {"own", "analysed", "dead", "committed_mono_ns", "first"}:
        table[name] = rows[name]
    table["first"] = rows["first"].astype(np.int64)  # another client's hash may turn negative: a name, not a number
    table["own"] = (rows["epoch"] == np.uint64(epoch)) & (rows["agent"] != row.FOREIGN_AGENT)
    table["analysed"] = rows["kind"] == row.ANALYSED
    table["dead"] = rows["kind"] == row.DEAD
    table["committed_mono_ns"] = _commits(headers, rows)
    return table


def _commits(headers: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The commit instant of each row's task, 0 where nobody shipped it."""
    shipped = headers[headers["committed_seq"] > 0]
    if not len(shipped):
        return np.zeros(len(rows), np.int64)
    writer = _writer(headers)  # by all headers, so that one writer has one number in both
    known = _task(writer[headers["committed_seq"] > 0], shipped["committed_seq"])
    order = np.argsort(known)
    wanted = _task(writer[headers["kind"] != row.STAMP], rows["seq"])
    place = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    found: np.ndarray = np.where(known[order][place] == wanted, shipped["committed_mono_ns"][order][place], 0)
    return found


def _writer(headers: np.ndarray) -> np.ndarray:
    """Writers numbered from 0: a process number alone names two processes where nodes run on different hosts."""
    names = (headers["node"].astype(np.int64) << 32) + headers["writer"].astype(np.int64)
    number: np.ndarray = np.unique(names, return_inverse=True)[1]
    return number


def _task(writer: np.ndarray, seq: np.ndarray) -> np.ndarray:
    key: np.ndarray = (writer.astype(np.int64) << 32) + seq.astype(np.int64)
    return key


def _hits(headers: np.ndarray, hits: np.ndarray) -> np.ndarray:
    rows = headers[headers["kind"] != row.STAMP]
    table = np.empty(len(hits), HITS)
    table["result"] = np.repeat(np.arange(len(rows)), rows["hits"])
    table["record"] = hits["record"]
    table["signature"] = hits["signature"]
    return table
