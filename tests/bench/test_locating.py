"""Micro-benchmarks of finding the records in a batch, as a worker does before it scans."""

from typing import Any

from system.wire.records import locate
from tests.bench import inputs


def test_a_batch_of_100_records(counted: Any) -> None:
    found = counted(lambda: locate(inputs.packed()))
    assert (len(found.starts), found.malformed) == (inputs.RECORDS, 0)


def test_a_batch_of_2_records_is_walked(counted: Any) -> None:
    two = inputs.packed()[: 2 * len(inputs.packed()) // inputs.RECORDS]
    assert len(counted(lambda: [locate(two) for _ in range(50)])[-1].starts) >= 1
