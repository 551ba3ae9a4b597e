"""The ledger: what became of every record, kept outside the system under test.

From the swarm's own account (what was cut, sent, acknowledged) against the result rows, by interval arithmetic:

    planned      = overflowed + unsent + sent
    sent         = acknowledged + unanswered
    acknowledged = analysed + dead + in_queue + lost
    unanswered   = recovered + indeterminate

All counts are distinct records. `closes` says why the account can't be trusted, if it can't: then the instrument is
wrong, whatever the system did.
"""

import msgspec
import numpy as np

from experiments.metrics.intervals import Spans, intersect, normal, spans, subtract


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """One trial's account, in records."""

    planned: int
    overflowed: int
    unsent: int
    sent: int
    acknowledged: int
    unanswered: int
    analysed: int
    dead: int
    in_queue: int
    lost: int
    recovered: int
    indeterminate: int
    unexpected: int
    duplicate_results: int
    repeat_executions: int

    def closes(self) -> list[str]:
        """The lines that don't add up, as sentences; empty if all do."""
        lines = {
            "planned = overflowed + unsent + sent": (self.planned, self.overflowed + self.unsent + self.sent),
            "sent = acknowledged + unanswered": (self.sent, self.acknowledged + self.unanswered),
            "acknowledged = analysed + dead + in_queue + lost": (
                self.acknowledged,
                self.analysed + self.dead + self.in_queue + self.lost,
            ),
            "unanswered = recovered + indeterminate": (self.unanswered, self.recovered + self.indeterminate),
        }
        return [f"{line} doesn't hold: {left} and {right}" for line, (left, right) in lines.items() if left != right]


def ledger(
    batches: np.ndarray, results: np.ndarray, *, planned: int, left: np.ndarray, repeat_executions: int
) -> Ledger:
    """The account of one trial.

    Args:
        batches: the swarm's table, one row a batch: agent, first, count, sent_mono_ns and acked_mono_ns (0: never),
            overflowed.
        results: the result rows: agent, first, count, own (false: not from this trial's swarm), analysed, dead, records.
        planned: records that the schedule, or the window's counter, says were cut: counted apart from `batches`.
        left: agent, first, count of the batches that are accepted and still wait in the system.
        repeat_executions: the system's own count.
    """
    sent_rows = batches["sent_mono_ns"] > 0
    sent = normal(_of(batches[sent_rows]))
    acknowledged = normal(_of(batches[batches["acked_mono_ns"] > 0]))
    overflowed = normal(_of(batches[batches["overflowed"]]))
    unsent = normal(_of(batches[~sent_rows & ~batches["overflowed"]]))
    own = results[results["own"]]
    analysed_rows = _of(own[own["analysed"]])
    analysed = normal(analysed_rows)
    dead = subtract(normal(_of(own[own["dead"]])), analysed)
    ended = normal(_join(analysed, dead))
    waiting = subtract(normal(_of(left)), ended)
    unanswered = subtract(sent, acknowledged)
    alien = results[~results["own"]]
    return Ledger(
        planned=planned,
        overflowed=overflowed.total,
        unsent=unsent.total,
        sent=sent.total,
        acknowledged=acknowledged.total,
        unanswered=unanswered.total,
        analysed=intersect(acknowledged, analysed).total,
        dead=intersect(acknowledged, dead).total,
        in_queue=intersect(acknowledged, waiting).total,
        lost=subtract(subtract(acknowledged, ended), waiting).total,
        recovered=intersect(unanswered, analysed).total,
        indeterminate=subtract(unanswered, analysed).total,
        unexpected=subtract(ended, sent).total + int(alien["records"].sum()),
        duplicate_results=analysed_rows.total - analysed.total,
        repeat_executions=repeat_executions,
    )


def _of(rows: np.ndarray) -> Spans:
    return spans(rows["agent"], rows["first"], rows["count"])


def _join(one: Spans, other: Spans) -> Spans:
    return Spans(np.concatenate((one.start, other.start)), np.concatenate((one.end, other.end)))
