"""What may not happen at any speed: records lost, given up, missed, falsely reported, repeated or made up.

Judged before all statistics, over every slot that was played, spoiled or not: a head that does it where base never did FAILs
at once. What base does too is its state, and is told.
"""

from collections.abc import Sequence
from typing import Final

from experiments.gate.slot import Pair, Side
from experiments.metrics.trial import TrialSummary

#: Kinds, as they are called in messages.
KINDS: Final = {
    "lost": "records lost",
    "dead": "records given up",
    "duplicate_results": "records with two results",
    "unexpected": "records with a result that were never sent",
    "missed": "planted attacks missed",
    "spurious": "detections of nothing",
    "corrupt": "slots with batches or acknowledgements other than what was sent",
    "stuck": "slots in which nothing was carried",
    "died": "slots in which a process of the system died",
}


def wrong_records(found: TrialSummary) -> dict[str, int]:
    """What a slot did wrong, by kind; kinds without any are left out."""
    counted = {}
    for kind in ("lost", "dead", "duplicate_results", "unexpected", "missed", "spurious"):
        of = found.detections if kind in ("missed", "spurious") else found.ledger
        value = None if of is None else getattr(of, kind)
        if value:
            counted[kind] = value
    if any(reason.partition(":")[0] in ("records", "acknowledgements") for reason in found.reasons):
        counted["corrupt"] = 1
    if found.ledger is not None and found.ledger.sent and found.carried_records_per_s == 0:
        counted["stuck"] = 1
    if found.failure is not None and found.ledger is not None:
        counted["died"] = 1
    return counted


def totals(pairs: Sequence[Pair], side: Side) -> dict[str, int]:
    """What a side did wrong over all its slots."""
    return {kind: total for kind in KINDS if (total := sum(one.of(side).wrong_records.get(kind, 0) for one in pairs))}


def broken(pairs: Sequence[Pair]) -> list[str]:
    """What head did wrong and base never; empty if nothing."""
    base, head = totals(pairs, "base"), totals(pairs, "head")
    return [f"{count:,} {KINDS[kind]} by head, none by base" for kind, count in head.items() if kind not in base]
