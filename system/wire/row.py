"""The result row: what a worker leaves behind for each batch it analysed, 104 bytes and six more for each hit.

Workers append rows to a Redis list in the same script that takes the batch off the journal; a recorder drains them. A
batch is analysed when, and only when, its row exists. All instants are CLOCK_MONOTONIC of the host that ran the stage.

The commit ends after its row is written, so its instant travels with the writer's next row (`committed_seq`,
`committed_mono_ns`), or alone in a row of kind STAMP when no next row comes soon.
"""

import struct
from array import array
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

ANALYSED: Final = 1  # the batch was scanned and this is its outcome
STAMP: Final = 2  # no batch: only the commit instant of an earlier row
DEAD: Final = 3  # the batch was given up past the cap of attempts

#: `agent` of a batch that another client sent; its `first` is then 8 bytes of a hash of its id.
FOREIGN_AGENT: Final = 0xFFFF_FFFF

HEADER: Final = np.dtype(
    [
        ("kind", "u1"),
        ("attempt", "u1"),
        ("node", "<u2"),
        ("writer", "<u4"),  # the process that wrote it
        ("seq", "<u4"),  # the writer's task number, from 1: rows of one task share it
        ("committed_seq", "<u4"),  # the task whose commit instant is shipped here, 0 for none
        ("committed_mono_ns", "<i8"),
        ("epoch", "<u8"),  # the chunk of our own agents, field by field
        ("agent", "<u4"),
        ("count", "<u4"),
        ("first", "<u8"),
        ("records", "<u4"),  # found in the payload by the worker
        ("malformed", "<u4"),
        ("hits", "<u4"),
        ("packed_bytes", "<u4"),
        ("received_mono_ns", "<i8"),  # the gateway held the whole message
        ("published_mono_ns", "<i8"),  # the gateway began to hand it to the broker
        ("started_mono_ns", "<i8"),  # the task began in a worker child
        ("fetched_mono_ns", "<i8"),  # the payload was in the child
        ("scanned_mono_ns", "<i8"),  # the last record was scanned
    ]
)

HIT: Final = np.dtype([("record", "<u4"), ("signature", "<u2")])  # record: its place in the batch

pack_header: Final = struct.Struct("<BBHIIIqQIIQIIIIqqqqq").pack

assert HEADER.itemsize == struct.calcsize("<BBHIIIqQIIQIIIIqqqqq")


def split(rows: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Headers and hits of concatenated rows.

    Args:
        rows: rows back to back, each whole.

    Returns: an array of HEADER, one a row, and one of HIT: the hits of all rows in order (row i has `hits[i]` of them).
        Both are empty for empty input.

    Raises: ValueError if the last row is cut off.
    """
    total = len(rows)
    offsets = array("q")
    at = 0
    hits_at = HEADER.fields["hits"][1]  # type: ignore[index]
    while at < total:
        if at + HEADER.itemsize > total:
            raise ValueError(f"result rows end inside a header: {total - at} bytes left at offset {at}")
        offsets.append(at)
        at += HEADER.itemsize + HIT.itemsize * int.from_bytes(rows[at + hits_at : at + hits_at + 4], "little")
    if at != total:
        raise ValueError(f"result rows end inside their hits: {at - total} bytes missing")
    if not offsets:
        return np.empty(0, HEADER), np.empty(0, HIT)
    starts = np.frombuffer(offsets, np.int64)
    raw = np.frombuffer(rows, dtype=np.uint8)
    headers = sliding_window_view(raw, HEADER.itemsize)[starts].reshape(-1).view(HEADER)
    keep = np.ones(total, dtype=bool)
    sliding_window_view(keep, HEADER.itemsize, writeable=True)[starts] = False
    return headers, raw[keep].view(HIT)
