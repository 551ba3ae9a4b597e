"""What the system under test did in a trial, whatever the instrument did: `ok`, `overloaded`, `lossy` or `failed`."""

import numpy as np

from experiments.metrics.ledger import Ledger
from experiments.metrics.response import Done
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables

#: An open loop whose backlog grows by more than this share of what is offered is overloaded: its queue has no end.
MOST_GROWTH_RATIO = 0.05


def outcome(record: TrialRecord, tables: Tables, account: Ledger, timed: Done) -> str:
    """The worst that happened.

    Args:
        record, tables: the trial's.
        account: its ledger.
        timed: its analysed batches whose commit instants are known.
    """
    if record.failure is not None:
        return "failed"
    if account.lost or account.dead or account.overflowed or account.duplicate_results:
        return "lossy"
    if account.in_queue or account.unsent or account.indeterminate:
        return "overloaded"
    if record.load.open_loop and grows(record, tables, timed):
        return "overloaded"
    return "ok"


def grows(record: TrialRecord, tables: Tables, timed: Done) -> bool:
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
