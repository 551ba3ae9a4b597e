"""A micro-benchmark of the ledger's interval arithmetic: a trial's account."""

from typing import Any

import numpy as np

from experiments.metrics.ledger import ledger

BATCHES = 2_000
AGENTS = 20
RECORDS = 100

_SPAN = [("agent", "<i8"), ("first", "<i8"), ("count", "<i8")]
_SWARM = np.dtype([*_SPAN, ("sent_mono_ns", "<i8"), ("acked_mono_ns", "<i8"), ("overflowed", "?")])
_ROWS = np.dtype([*_SPAN, ("records", "<i8"), ("own", "?"), ("analysed", "?"), ("dead", "?")])


def test_2000_batches_of_which_one_in_ten_is_lost(counted: Any) -> None:
    batches, rows = np.zeros(BATCHES, _SWARM), np.zeros(BATCHES, _ROWS)
    number = np.arange(BATCHES)
    for table in (batches, rows):
        table["agent"], table["first"], table["count"] = number % AGENTS, number // AGENTS * RECORDS, RECORDS
    batches["sent_mono_ns"], batches["acked_mono_ns"] = number + 1, number + 2
    rows["records"], rows["own"], rows["analysed"] = RECORDS, True, True
    kept = rows[number % 10 > 0]
    planned = BATCHES * RECORDS
    found = counted(lambda: ledger(batches, kept, planned=planned, left=rows[:0], repeat_executions=0))
    assert (found.lost, found.closes()) == (planned // 10, [])
