"""A slot's figures from its trial: the gated ones, CPU by process, what went wrong with records, what spoiled it.

Rates and costs are those of the whole window on both sides: a cut that is found anew in each slot would be another one on
each side. So the rules that find such cuts (steady state, trend) have no say here.
"""

from typing import Final

from experiments.gate.blame import PROCESSES
from experiments.gate.correctness import wrong_records
from experiments.gate.slot import Position, Side, Slot
from experiments.metrics.response import Done, join
from experiments.metrics.throughput import Carried
from experiments.metrics.trial import summarise
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables

#: Rules of validity that say something of the system, or of a cut that isn't made: no reason to drop a slot.
_NOT_THE_INSTRUMENT: Final = ("detections", "records", "acknowledgements", "results", "steady state", "trend")


def slot_of(
    record: TrialRecord, tables: Tables | None, side: Side, position: Position, *, same_rules: bool = True
) -> Slot:
    """The slot that a trial was.

    Args:
        same_rules: whether the side scanned with the signatures that the harness knows; what it found can't be judged else.
    """
    found = summarise(record, tables)
    if tables is None or found.ledger is None:
        return Slot(side=side, position=position, failure=found.failure or "nothing was measured", wall_s=record.wall_s)
    wrong = wrong_records(found)
    if not same_rules:
        wrong = {kind: count for kind, count in wrong.items() if kind not in ("missed", "spurious")}
    spoiled = [reason for reason in found.reasons if reason.partition(":")[0] not in _NOT_THE_INSTRUMENT]
    if found.failure is not None:
        spoiled.append(found.failure)
    cost = found.cost.get("cpu_s_per_million_records", {})
    # CPU seconds a million records are microseconds a record.
    cpu = {process: float(cost[process]) for process in PROCESSES if cost.get(process) is not None}
    return Slot(
        side=side,
        position=position,
        figures={
            "throughput": _throughput(record, tables),
            "cpu": sum(cpu.values()) if {"gateway", "broker", "workers"} <= cpu.keys() else None,
            "p99": found.response_time_s.p99,
        },
        cpu_us_per_record=cpu,
        wrong_records=wrong,
        spoiled=tuple(spoiled),
        wall_s=record.wall_s,
    )


def _throughput(record: TrialRecord, tables: Tables) -> float:
    done = join(tables.batches, tables.results)
    known = done["committed_mono_ns"] > 0
    timed = Done(columns={name: column[known] for name, column in done.columns.items()})
    begin, end = record.window
    return Carried.of(timed, begin, end).records / ((end - begin) / 1e9)
