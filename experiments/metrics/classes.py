"""What each class of agents saw: the same figures as a trial's, over its own records alone."""

import msgspec

from experiments.metrics.quantiles import Quantiles
from experiments.metrics.response import Done, arrived_within, response_times
from experiments.metrics.schedule import fleet
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables
from loadgen.model.fleet import numbers


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One class: its agents, the records that arrived at them within the window, and how long these took."""

    agents: int
    records: int
    response_time_s: Quantiles
    batch_wait_s: Quantiles


def by_class(record: TrialRecord, tables: Tables, timed: Done) -> dict[str, ClassFigures]:
    """The figures by the class's name; empty where all agents are alike.

    Args:
        timed: the analysed batches whose commit instant is known.
    """
    load, found = record.load, {}
    if not load.classes:
        return {}
    for one, mine in zip(fleet(load), numbers(fleet(load)), strict=True):
        inside = (timed["agent"] >= mine.start) & (timed["agent"] < mine.stop)
        own = Done(columns={name: column[inside] for name, column in timed.columns.items()})
        where = (load, record.seed, record.start_mono_ns, record.window)
        records = arrived_within(*where, tables.batches, mine)
        times = response_times(*where, own, records)
        found[one.name] = ClassFigures(
            agents=one.agents,
            records=records,
            response_time_s=times.response,
            batch_wait_s=times.stages["batch_wait"],
        )
    return found
