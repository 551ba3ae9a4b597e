"""The tables of a trial as numpy structured arrays, and their Parquet files.

batches: one row a batch that the swarm cut. results: one row a result row. hits: one row a (result row, record,
signature). probes: one row a reading of a probe. Columns are explained in docs/glossary.md.
"""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCHES: Final = np.dtype(
    [
        ("agent", "<i8"),
        ("first", "<i8"),
        ("count", "<i8"),
        ("cut_mono_ns", "<i8"),
        ("sent_mono_ns", "<i8"),
        ("acked_mono_ns", "<i8"),
        ("overflowed", "?"),
        ("resent", "?"),
    ]
)

RESULTS: Final = np.dtype(
    [
        ("own", "?"),
        ("analysed", "?"),
        ("dead", "?"),
        ("agent", "<i8"),
        ("first", "<i8"),
        ("count", "<i8"),
        ("attempt", "<i8"),
        ("node", "<i8"),
        ("writer", "<i8"),
        ("records", "<i8"),
        ("malformed", "<i8"),
        ("hits", "<i8"),
        ("packed_bytes", "<i8"),
        ("received_mono_ns", "<i8"),
        ("published_mono_ns", "<i8"),
        ("started_mono_ns", "<i8"),
        ("fetched_mono_ns", "<i8"),
        ("scanned_mono_ns", "<i8"),
        ("committed_mono_ns", "<i8"),
    ]
)

HITS: Final = np.dtype([("result", "<i8"), ("record", "<i8"), ("signature", "<i8")])

PROBES: Final = np.dtype(
    [("at_mono_ns", "<i8"), ("probe", "U16"), ("part", "U24"), ("figure", "U48"), ("value", "<f8")]
)

_NO_PROBES: Final = np.empty(0, PROBES)


class Tables(NamedTuple):
    """One trial's tables."""

    batches: np.ndarray
    results: np.ndarray
    hits: np.ndarray
    probes: np.ndarray = _NO_PROBES


#: The folder of each table in a run.
FOLDERS: Final = {"batches": BATCHES, "results": RESULTS, "hits": HITS, "probes": PROBES}


def write(folder: Path, trial: int, tables: Tables) -> None:
    """Writes a trial's part of each table: `batches.parquet/trial-0007.parquet` and so on."""
    for name, dtype in FOLDERS.items():
        array = getattr(tables, name)
        part = folder / f"{name}.parquet" / f"trial-{trial:04d}.parquet"
        part.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({column: array[column] for column in dtype.names or ()}), part, compression="zstd")


def exist(folder: Path, trial: int) -> bool:
    """Whether a trial has tables."""
    return (folder / "batches.parquet" / f"trial-{trial:04d}.parquet").exists()


def read(folder: Path, trial: int, *, probes: bool = True) -> Tables:
    """Reads what `write` wrote; without `probes`, what was written before there were any. Raises: FileNotFoundError."""
    found = []
    for name, dtype in FOLDERS.items():
        if name == "probes" and not probes:
            continue
        table = pq.ParquetFile(folder / f"{name}.parquet" / f"trial-{trial:04d}.parquet").read()
        array = np.empty(table.num_rows, dtype)
        for column in dtype.names or ():
            array[column] = table[column].to_numpy()
        found.append(array)
    return Tables(*found)
