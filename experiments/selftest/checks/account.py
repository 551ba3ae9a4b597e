"""The account: every record of every scene is planned, sent, analysed once, and nothing else is.

A workload without attacks at a load below capacity loses nothing: what the schedule, drawn again, says is what must have been
analysed, to the record. Every reason of validity that isn't the machine's mood fails it.
"""

from collections.abc import Iterator, Mapping

from experiments.metrics.schedule import redrawn
from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared
from experiments.selftest.scenes import SCENES
from experiments.selftest.seen import Seen


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    planned = analysed = 0
    wrong: list[str] = []
    moods: list[str] = []
    for name, seen in scenes.items():
        ledger = seen.summary.ledger
        drawn = (
            redrawn(seen.record.load, seen.record.seed).records if seen.record.load.open_loop else seen.record.planned
        )
        planned += drawn
        analysed += 0 if ledger is None else ledger.analysed - ledger.duplicate_results
        wrong += [f"{name}: {reason}" for reason in seen.faults]
        moods += [f"{name}: {reason}" for reason in seen.moods]
    found = compared(
        "account", planned, analysed, 0.0, unit="records", allowed=0.0, sharp=0.0,
        why="; ".join(wrong or ["planned by the schedules against analysed once: equal to the record", *moods]),
    )  # fmt: skip
    yield Result(
        **{name: getattr(found, name) for name in found.__struct_fields__} | ({"verdict": "fail"} if wrong else {})
    )


CHECK = Check("account", tuple(SCENES), _compare)
