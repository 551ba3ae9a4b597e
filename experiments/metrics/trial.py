"""One trial's figures, from its sealed record and tables: what summary.json says of it.

Rates count records by their commit within the measured window; percentiles take the records that arrived in it. No
figure is given without the reasons, if any, for which it can't be trusted.
"""

from typing import Any

import msgspec
import numpy as np

from experiments.metrics.classes import ClassFigures, by_class
from experiments.metrics.cost import Carried, cost
from experiments.metrics.detections import Detections, detections
from experiments.metrics.intervals import normal, spans
from experiments.metrics.lag import Lag, lag
from experiments.metrics.ledger import Ledger, ledger
from experiments.metrics.quantiles import Quantiles, quantiles
from experiments.metrics.queue import QueueLength, queue_lengths
from experiments.metrics.response import Done, arrived_within, first_results, join, response_times
from experiments.metrics.schedule import played, redrawn
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables

#: An open loop whose backlog grows by more than this share of what is offered is overloaded: its queue has no end.
MOST_GROWTH_RATIO = 0.05

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
    response_time_s: Quantiles
    response_time_is: str
    stages_s: dict[str, Quantiles]
    schedule_lag_s: Lag | None
    classes: dict[str, ClassFigures]
    cost: dict[str, Any]
    queues: dict[str, QueueLength]
    commit_instants_unknown: int
    malformed_records: int
    faults: list[dict[str, Any]]
    failure: str | None
    wall_s: float


def summarise(record: TrialRecord, tables: Tables | None) -> TrialSummary:
    """The figures of one trial; a trial that failed has none, and says why."""
    if record.failure is not None or tables is None:
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
    found = detections(record.load, record.seed, record.signatures, tables, counting)
    done = join(tables.batches, tables.results)
    instants_known = done["committed_mono_ns"] > 0
    timed = Done(columns={name: column[instants_known] for name, column in done.columns.items()})
    unknown = int((~instants_known).sum())
    unlike = _schedule(record, tables)
    # Arrivals drawn again are those of this trial only if the schedule is: else there are no response times.
    untimed = Done(columns={name: column[:0] for name, column in timed.columns.items()})
    span = _arrivals(record)
    arrived = 0 if unlike else arrived_within(record.load, record.seed, record.start_mono_ns, span, tables.batches)
    times = response_times(record.load, record.seed, record.start_mono_ns, span, untimed if unlike else timed, arrived)
    begin, end = _span(record, timed)
    seconds = (end - begin) / 1e9
    inside = (timed["committed_mono_ns"] >= begin) & (timed["committed_mono_ns"] < end)
    carried = int(timed["count"][inside].sum())
    measured_s = (record.window[1] - record.window[0]) / 1e9
    # The records that arrived, not those that were cut: buffers may be closed after the window, all of them.
    offered = arrived / measured_s if measured_s > 0 and not unlike else None
    reasons = (
        account.closes() + unlike + _instrument(record, tables) + _strange(record, account, unknown) + found.reasons()
    )
    return TrialSummary(
        index=record.index,
        cell=record.cell,
        replicate=record.replicate,
        seed=record.seed,
        valid=not reasons,
        reasons=reasons,
        outcome=_outcome(record, account, _grows(record, tables, timed)),
        ledger=account,
        detections=found,
        offered_records_per_s=None if record.load.arrivals["kind"] == "drain" else offered,
        carried_records_per_s=carried / seconds if seconds > 0 else None,
        carried_bytes_per_s=int(timed["packed_bytes"][inside].sum()) / seconds if seconds > 0 else None,
        response_time_s=times.response,
        response_time_is="from each record's arrival"
        if record.load.open_loop
        else "of the window: from the batch's cut",
        stages_s=times.stages,
        schedule_lag_s=lag(record),
        classes={} if unlike else by_class(record, tables, timed),
        cost=cost(record, tables, Carried(carried, int(inside.sum()))),
        queues=queue_lengths(tables.probes, *record.window),
        commit_instants_unknown=unknown,
        malformed_records=int(tables.results["malformed"][counting].sum()),
        faults=record.faults,
        failure=None,
        wall_s=record.wall_s,
    )


def _arrivals(record: TrialRecord) -> tuple[int, int]:
    """The interval whose arrivals percentiles are taken of: the window, or for a drain the whole backlog."""
    return record.window if record.load.arrivals["kind"] != "drain" else (0, record.window[1])


def _span(record: TrialRecord, timed: Done) -> tuple[int, int]:
    """The interval that rates are counted over: the window, or for a drain from the first start to the last commit."""
    if record.load.arrivals["kind"] != "drain":
        return record.window
    if not len(timed):
        return 0, 0
    return int(timed["started_mono_ns"].min()), int(timed["committed_mono_ns"].max()) + 1


def _grows(record: TrialRecord, tables: Tables, timed: Done) -> bool:
    """Whether the backlog grew within the window by more than chance and a share of what was offered explain.

    The backlog at an instant is cut and not committed. In a steady state it moves by whole batches: its difference between
    two instants spreads by about sqrt(2 x batches under way), of which three are allowed.
    """
    batches = tables.batches

    def backlog(instant_mono_ns: int) -> tuple[int, int]:
        cut = batches["count"][batches["cut_mono_ns"] < instant_mono_ns]
        done = timed["count"][timed["committed_mono_ns"] < instant_mono_ns]
        return int(cut.sum() - done.sum()), len(cut) - len(done)

    begin, end = record.window
    inside = batches["count"][(batches["cut_mono_ns"] >= begin) & (batches["cut_mono_ns"] < end)]
    if not len(inside):
        return False
    (before, under_way), (after, _) = backlog(begin), backlog(end)
    chance = 3 * np.sqrt(2 * max(1, under_way)) * inside.mean()
    return bool(after - before > max(MOST_GROWTH_RATIO * inside.sum(), chance))


def _schedule(record: TrialRecord, tables: Tables) -> list[str]:
    """Whether an open loop's schedule is, drawn again and as played, the one that was sealed."""
    if not record.load.open_loop:
        return []
    sealed = record.load.fingerprint
    again = redrawn(record.load, record.seed).fingerprint()
    if again != sealed:
        return [f"schedule: the seeds give {again} today and gave {sealed}: analyse it with the version that made it"]
    if played(tables.batches, record.start_mono_ns).fingerprint() != sealed:
        return [f"schedule: the swarm cut other batches, or at other times, than the schedule {sealed} says"]
    return []


def _strange(record: TrialRecord, account: Ledger, unknown: int) -> list[str]:
    """What must not happen without a cause that the trial knows of, as sentences."""
    reasons = []
    if account.unexpected:
        reasons.append(
            f"results: {account.unexpected} records have a result and were never sent: somebody else's, or corrupt"
        )
    if unknown and not record.faults:
        reasons.append(f"results: the commit instants of {unknown} batches are unknown, although nothing was killed")
    return reasons


def _instrument(record: TrialRecord, tables: Tables) -> list[str]:
    """What the instrument itself did wrong, as sentences."""
    reasons = []
    batches = tables.batches
    twice = int(batches["count"].sum()) - normal(spans(batches["agent"], batches["first"], batches["count"])).total
    if twice:
        reasons.append(f"swarm: {twice} records stand more than once in its log")
    dropped = record.counters.get("rows_dropped", 0)
    if dropped:
        reasons.append(f"recorder: {dropped} result rows overflowed before they were drained")
    said = record.counters.get("batches_analysed", 0) + record.counters.get("batches_dead", 0) - dropped
    if said != record.recorded_rows:
        reasons.append(f"recorder: {record.recorded_rows} result rows were drained, the system wrote {said}")
    own = tables.results[tables.results["own"] & tables.results["analysed"]]
    wrong = int((own["records"] != own["count"]).sum())
    if wrong:
        reasons.append(f"records: {wrong} batches were found to hold another number of records than was sent")
    if record.swarm.get("bad_acks", 0):
        reasons.append(f"swarm: {record.swarm['bad_acks']} acknowledgements of batches that were never sent")
    return reasons


def _outcome(record: TrialRecord, account: Ledger, grows: bool) -> str:
    if account.lost or account.dead or account.overflowed or account.duplicate_results:
        return "lossy"
    if account.in_queue or account.unsent or account.indeterminate:
        return "overloaded"
    if record.load.open_loop and grows:
        return "overloaded"
    return "ok"


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
        response_time_s=_NOTHING,
        response_time_is="",
        stages_s={},
        schedule_lag_s=None,
        classes={},
        cost={},
        queues={},
        commit_instants_unknown=0,
        malformed_records=0,
        faults=record.faults,
        failure=failure,
        wall_s=record.wall_s,
    )
