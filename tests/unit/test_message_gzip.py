"""A gzip batch whose records travel in the task's arguments is inflated on its way there."""

import gzip

from system.broker.batch import Batch
from system.broker.message import analyse_records
from system.wire.packing import pack_record


def lines(packed: bytes) -> list[str]:
    found: list[str] = analyse_records(Batch(b"t\0x", None, packed, True, 0), 0).args[-1]
    return found


def test_the_arguments_hold_the_inflated_lines() -> None:
    packed = pack_record(0, b"one") + pack_record(0, b"two")
    assert lines(gzip.compress(packed)) == ["one", "two"]


def test_gzip_that_cannot_be_read_is_one_malformed_entry() -> None:
    assert lines(b"not gzip") == [""]
