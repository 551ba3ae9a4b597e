"""Result rows: what a worker packs is what the recorder's split gives back, and what is cut off is refused."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.wire import row

#: In the order of `pack_header`'s arguments.
FIELDS = row.HEADER.names or ()


def packed(hits: list[tuple[int, int]], **fields: int) -> bytes:
    values = {name: 0 for name in FIELDS} | {"kind": row.ANALYSED} | fields | {"hits": len(hits)}
    return row.pack_header(*values.values()) + np.array(hits, row.HIT).tobytes()


def test_a_header_is_104_bytes_and_a_hit_6() -> None:
    assert (row.HEADER.itemsize, row.HIT.itemsize) == (104, 6)


def test_every_field_comes_back_where_it_was_put() -> None:
    fields = {name: 3 * place + 1 for place, name in enumerate(FIELDS)} | {"hits": 0}
    (header,), hits = row.split(row.pack_header(*fields.values()))
    assert {name: int(header[name]) for name in FIELDS} == fields
    assert len(hits) == 0


def test_the_widest_numbers_fit() -> None:
    widest = {
        name: int(np.iinfo(row.HEADER.fields[name][0]).max)
        for name in FIELDS
        if name != "hits"
    }  # fmt: skip
    (header,), _ = row.split(packed([], **widest))
    assert {name: int(header[name]) for name in widest} == widest


def test_no_rows_are_no_headers_and_no_hits() -> None:
    headers, hits = row.split(b"")
    assert (len(headers), headers.dtype) == (0, row.HEADER)
    assert (len(hits), hits.dtype) == (0, row.HIT)


def test_hits_of_several_rows_come_in_the_rows_order() -> None:
    headers, hits = row.split(
        packed([(0, 5), (3, 65535)], seq=1) + packed([], seq=2) + packed([(4294967295, 0)], seq=3)
    )
    assert headers["seq"].tolist() == [1, 2, 3]
    assert headers["hits"].tolist() == [2, 0, 1]
    assert hits.tolist() == [(0, 5), (3, 65535), (4294967295, 0)]


def test_hits_that_look_like_a_header_are_hits() -> None:
    disguise = np.frombuffer(packed([], seq=9)[:102], row.HIT).tolist()
    headers, hits = row.split(packed(disguise, seq=1) + packed([], seq=2))
    assert headers["seq"].tolist() == [1, 2]
    assert hits.tolist() == disguise


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)), max_size=4), max_size=6))
def test_any_rows_are_split_as_they_were_joined(rows: list[list[tuple[int, int]]]) -> None:
    headers, hits = row.split(b"".join(packed(found, seq=place + 1) for place, found in enumerate(rows)))
    assert headers["seq"].tolist() == list(range(1, len(rows) + 1))
    assert hits.tolist() == [hit for found in rows for hit in found]


@pytest.mark.parametrize("missing", range(1, 2 * 6 + 104))
def test_a_row_that_is_cut_off_anywhere_is_refused(missing: int) -> None:
    last = packed([(1, 2), (3, 4)])
    with pytest.raises(ValueError, match="result rows end inside"):
        row.split(packed([(5, 6)]) + last[:-missing])


def test_splitting_holds_little_more_than_the_rows() -> None:
    """With an index of every byte it was some 1,110 bytes a row of 116."""
    rows = packed([(1, 2), (3, 4)]) * 10_000
    tracemalloc.start()
    row.split(rows)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * len(rows)
