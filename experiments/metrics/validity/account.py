"""Rules about the account: every record is accounted for, once, as what was sent."""

from collections.abc import Iterator

from experiments.metrics.intervals import normal, spans
from experiments.metrics.validity.rule import Evidence


def ledger_closes(seen: Evidence) -> Iterator[str]:
    """Each line of the ledger adds up."""
    yield from seen.ledger.closes()


def schedule_is_the_sealed_one(seen: Evidence) -> Iterator[str]:
    """Drawn again and as played, an open loop's schedule is the one that was sealed."""
    yield from seen.unlike


def logged_once(seen: Evidence) -> Iterator[str]:
    """No record stands twice in the swarm's log."""
    batches = seen.tables.batches
    twice = int(batches["count"].sum()) - normal(spans(batches["agent"], batches["first"], batches["count"])).total
    if twice:
        yield f"{twice} records stand more than once in its log"


def whole_batches(seen: Evidence) -> Iterator[str]:
    """Each batch was found to hold as many records as were sent."""
    results = seen.tables.results
    own = results[results["own"] & results["analysed"]]
    wrong = int((own["records"] != own["count"]).sum())
    if wrong:
        yield f"{wrong} batches were found to hold another number of records than was sent"


def nothing_unexpected(seen: Evidence) -> Iterator[str]:
    """Nothing has a result that was never sent."""
    if seen.ledger.unexpected:
        yield f"{seen.ledger.unexpected} records have a result and were never sent: somebody else's, or corrupt"


def detections_true(seen: Evidence) -> Iterator[str]:
    """No planted attack was missed and nothing else reported."""
    yield from seen.detections.reasons()
