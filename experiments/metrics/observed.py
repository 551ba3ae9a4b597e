"""Every response time of a trial, one by one: what curves are drawn of, where quantiles alone would hide their shape.

The same records as in the summary: drawn again from the seeds in an open loop; under full load a batch stands for its
records, from its cut.
"""

from typing import NamedTuple

import numpy as np

from experiments.metrics.response import Done, arrivals, join
from experiments.metrics.schedule import Drawing
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables


class Observed(NamedTuple):
    """Aligned columns, one entry a record (open loop) or a batch (full load) whose commit instant is known.

    `arrived_mono_ns` and `response_ns` are ns; `records` is what the entry stands for. `all_arrived_mono_ns` and
    `all_records` are those of everything that arrived, finished or not.
    """

    arrived_mono_ns: np.ndarray
    response_ns: np.ndarray
    records: np.ndarray
    all_arrived_mono_ns: np.ndarray
    all_records: np.ndarray


def observed(record: TrialRecord, tables: Tables) -> Observed:
    """The response times of a trial, over its whole length. Its schedule must be the sealed one (the summary says so)."""
    done = join(tables.batches, tables.results)
    known = done["committed_mono_ns"] > 0
    timed = Done(columns={name: column[known] for name, column in done.columns.items()})
    if record.load.open_loop:
        arrived, owner = arrivals(record.load, record.seed, record.start_mono_ns, timed)
        drawing = Drawing(record.load, record.seed)
        everything = np.concatenate([drawing.of(agent) for agent in range(record.load.agents)])
        return Observed(
            arrived_mono_ns=arrived,
            response_ns=timed["committed_mono_ns"][owner] - arrived,
            records=np.ones(len(arrived), np.int64),
            all_arrived_mono_ns=record.start_mono_ns + everything,
            all_records=np.ones(len(everything), np.int64),
        )
    return Observed(
        arrived_mono_ns=timed["cut_mono_ns"],
        response_ns=timed["committed_mono_ns"] - timed["cut_mono_ns"],
        records=timed["count"],
        all_arrived_mono_ns=tables.batches["cut_mono_ns"],
        all_records=tables.batches["count"],
    )
