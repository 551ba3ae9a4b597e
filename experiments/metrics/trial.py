"""One trial's figures, from its sealed record and tables: what summary.json says of it.

Rates count records by their commit within the measured window; percentiles take the records that arrived in it. No
figure is given without the reasons, if any, for which it can't be trusted.
"""

from typing import Any

import msgspec
import numpy as np

from experiments.metrics.batching import Measured
from experiments.metrics.classes import ClassFigures, by_class, figures
from experiments.metrics.cost import cost
from experiments.metrics.detections import Detections, detections
from experiments.metrics.fairness import Fairness, fairness
from experiments.metrics.lag import Lag, lag
from experiments.metrics.ledger import Ledger, ledger
from experiments.metrics.outcome import outcome
from experiments.metrics.quantiles import Quantiles, quantiles
from experiments.metrics.queue import QueueLength, queue_lengths
from experiments.metrics.response import Done, first_results, join
from experiments.metrics.response_times import Times
from experiments.metrics.schedule import unlike_sealed
from experiments.metrics.throughput import Carried, committed_a_bin, is_due
from experiments.metrics.validity.limits import limits
from experiments.metrics.validity.registry import reasons
from experiments.metrics.validity.rule import Evidence
from experiments.metrics.walk import Records, walk
from experiments.stats.steady import Steady, steady
from experiments.stats.within import Within, within
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables
from loadgen.model.flush_mix import FlushMix

#: From where response times count. A drain's records waited for the workers' start, which says nothing of the system.
_CLOCK = {
    "open": "from each record's arrival",
    "window": "of the window: from the batch's cut",
    "drain": "none: the backlog was laid down before the workers were started",
}
#: The stages of a drain that don't depend on that.
_OF_WORKERS = ("fetch", "scan", "commit")

_NOTHING = quantiles(np.empty(0, np.int64), np.empty(0, np.int64))


class TrialSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `trials` in summary.json. Rates are None where nothing was measured."""

    index: int
    cell: dict[str, Any]
    replicate: int
    seed: int
    valid: bool
    reasons: list[str]
    outcome: str
    ledger: Ledger | None
    detections: Detections | None
    offered_records_per_s: float | None
    carried_records_per_s: float | None
    carried_bytes_per_s: float | None
    steady: Steady | None
    within_trial: Within | None
    response_time_s: Quantiles
    response_time_is: str
    stages_s: dict[str, Quantiles]
    batching: FlushMix | None
    schedule_lag_s: Lag | None
    classes: dict[str, ClassFigures]
    fairness: Fairness | None
    cost: dict[str, Any]
    queues: dict[str, QueueLength]
    agents: dict[str, int]
    commit_instants_unknown: int
    malformed_records: int
    faults: list[dict[str, Any]]
    ready_s: float | None
    failure: str | None
    repeated: list[list[str]]
    wall_s: float

    @property
    def died(self) -> bool:
        """Whether its system died: counted, never averaged, for what it carried until then is no rate of it."""
        return self.valid and self.outcome == "failed"

    @property
    def counts(self) -> bool:
        """Whether it enters estimates: it is valid, and its system lived."""
        return self.valid and self.outcome != "failed"


def summarise(record: TrialRecord, tables: Tables | None) -> TrialSummary:
    """The figures of one trial; one without tables has none, and says why."""
    if tables is None:
        return _failed(record)
    left = np.array(record.left, dtype=[("agent", "<i8"), ("first", "<i8"), ("count", "<i8")])
    account = ledger(
        tables.batches,
        tables.results,
        planned=record.planned,
        left=left,
        repeat_executions=record.counters.get("repeat_executions", 0),
    )
    counting = first_results(tables.results)
    found = detections(record, tables, counting)
    done = join(tables.batches, tables.results)
    instants_known = done["committed_mono_ns"] > 0
    timed = Done(columns={name: column[instants_known] for name, column in done.columns.items()})
    unknown = int((~instants_known).sum())
    unlike = unlike_sealed(record, tables.batches)
    draining = record.load.arrivals["kind"] == "drain"
    records = Records(record, tables.batches, timed)
    times, mix = Times(records, _arrivals(record)), Measured(record, records)
    classes = by_class(record.load, records, record.window)
    # Arrivals drawn again are those of this trial only if the schedule is: else there are no response times.
    if not unlike:
        walk(records, times, mix, *classes.values())
    split = times.split(timed)
    whole = Carried.of(timed, *record.window)
    result = outcome(record, tables, account, timed)
    counts, window_s = committed_a_bin(timed, record.window)
    settled = steady(counts, window_s) if is_due(record, result) else None
    begin, end = _span(record, timed, settled)
    seconds = (end - begin) / 1e9
    carried = Carried.of(timed, begin, end)
    # The records that arrived, not those that were cut: buffers may be closed after the window, all of them.
    offered = times.arrived / window_s if window_s > 0 and not unlike else None
    wrong = reasons(
        Evidence(
            record=record,
            tables=tables,
            ledger=account,
            detections=found,
            unlike=unlike,
            instants_unknown=unknown,
            steady=settled,
            limits=limits(record.config),
        )
    )
    return TrialSummary(
        index=record.index,
        cell=record.cell,
        replicate=record.replicate,
        seed=record.seed,
        valid=not wrong,
        reasons=wrong,
        outcome=result,
        ledger=account,
        detections=found,
        offered_records_per_s=None if draining else offered,
        carried_records_per_s=carried.records / seconds if seconds > 0 else None,
        carried_bytes_per_s=carried.packed_bytes / seconds if seconds > 0 else None,
        steady=settled,
        within_trial=within(counts) if window_s > 0 and not draining else None,
        response_time_s=_NOTHING if draining else split.response,
        response_time_is=_CLOCK["drain" if draining else "open" if record.load.open_loop else "window"],
        stages_s={name: one for name, one in split.stages.items() if not draining or name in _OF_WORKERS},
        batching=None if unlike else mix.mix(),
        schedule_lag_s=lag(record),
        classes={} if unlike else figures(record.load, classes),
        fairness=fairness(record, tables, timed),
        cost=cost(record, tables, whole),
        queues=queue_lengths(tables.probes, *record.window),
        agents={"reconnects": record.swarm["reconnects"]} if "reconnects" in record.swarm else {},
        commit_instants_unknown=unknown,
        malformed_records=int(tables.results["malformed"][counting].sum()),
        faults=record.faults,
        ready_s=record.target.get("ready_s"),
        failure=record.failure,
        repeated=record.repeated,
        wall_s=record.wall_s,
    )


def _arrivals(record: TrialRecord) -> tuple[int, int]:
    """The interval whose arrivals percentiles are taken of: the window, or for a drain the whole backlog."""
    return record.window if record.load.arrivals["kind"] != "drain" else (0, record.window[1])


def _span(record: TrialRecord, timed: Done, settled: Steady | None) -> tuple[int, int]:
    """The interval that rates are counted over: the window without what was still warming up, or for a drain from the
    instant at which every worker node has taken its first task to the last commit: starting up is no work."""
    if record.load.arrivals["kind"] != "drain":
        begin, end = record.window
        return begin + (round(settled.warmup_s * 1e9) if settled is not None and settled.reached else 0), end
    if not len(timed):
        return 0, 0
    nodes = timed["node"]
    first = [int(timed["started_mono_ns"][nodes == node].min()) for node in np.unique(nodes)]
    return max(first), int(timed["committed_mono_ns"].max()) + 1


def _failed(record: TrialRecord) -> TrialSummary:
    failure = record.failure or "no tables"
    return TrialSummary(
        index=record.index,
        cell=record.cell,
        replicate=record.replicate,
        seed=record.seed,
        valid=False,
        reasons=[f"failed: {failure}"],
        outcome="failed",
        ledger=None,
        detections=None,
        offered_records_per_s=None,
        carried_records_per_s=None,
        carried_bytes_per_s=None,
        steady=None,
        within_trial=None,
        response_time_s=_NOTHING,
        response_time_is="",
        stages_s={},
        batching=None,
        schedule_lag_s=None,
        classes={},
        fairness=None,
        cost={},
        queues={},
        agents={},
        commit_instants_unknown=0,
        malformed_records=0,
        faults=record.faults,
        ready_s=None,
        failure=failure,
        repeated=record.repeated,
        wall_s=record.wall_s,
    )
