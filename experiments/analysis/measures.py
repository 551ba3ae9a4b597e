"""The figures of a trial that a hypothesis may be about, by name: where each stands, its unit, and which way is better.

A new one is a line here.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from experiments.metrics.quantiles import beyond_measure
from experiments.metrics.trial import TrialSummary

#: The parts of the system whose CPU time is the system's own.
SYSTEM: Final = ("gateway", "broker", "workers", "sweeper")

#: Those that every system has, and that can be a bottleneck.
PARTS: Final = ("gateway", "broker", "workers")

P99_RESPONSE: Final = "p99_response_s"


class Measure(NamedTuple):
    """`of` gives a trial's figure, None where it has none."""

    name: str
    unit: str
    higher_is_better: bool
    of: Callable[[TrialSummary], float | None]


def _cost(name: str, *path: str, scale: float = 1.0) -> Callable[[TrialSummary], float | None]:
    """A figure of `cost`, by part or direction."""

    def of(trial: TrialSummary) -> float | None:
        found = trial.cost.get(name)
        for key in path:
            found = (found or {}).get(key)
        return None if found is None else float(found) * scale

    return of


def _quantile(name: str) -> Callable[[TrialSummary], float | None]:
    """A quantile of the response time; infinite where it falls among records that never finished."""

    def of(trial: TrialSummary) -> float | None:
        found = trial.response_time_s
        value: float | None = getattr(found, name)
        return math.inf if beyond_measure(found, name) else value

    return of


_SYSCALLS: Final = _cost("syscalls_per_thousand_records", "gateway", scale=1e-3)


def system_cpu_us(trial: TrialSummary) -> float | None:
    """CPU of all parts of the system, µs a record: a million records' seconds are one record's microseconds.

    None if one that every system has isn't known: that of a process that was killed can't be read any more.
    """
    spent = trial.cost.get("cpu_s_per_million_records") or {}
    known = {part: value for part in SYSTEM if (value := spent.get(part)) is not None}
    return sum(known.values()) if known.keys() >= set(PARTS) else None


def _lost(trial: TrialSummary) -> float | None:
    return None if trial.ledger is None else float(trial.ledger.lost)


def _fairness(trial: TrialSummary) -> float | None:
    return None if trial.fairness is None else trial.fairness.index


def _least(trial: TrialSummary) -> float | None:
    return None if trial.fairness is None else trial.fairness.least_ratio


MEASURES: Final = {
    one.name: one
    for one in (
        Measure("carried_records_per_s", "records/s", True, lambda trial: trial.carried_records_per_s),
        Measure("p50_response_s", "s", False, _quantile("p50")),
        Measure(P99_RESPONSE, "s", False, _quantile("p99")),
        Measure("system_cpu_us_per_record", "µs a record", False, system_cpu_us),
        Measure("gateway_cpu_us_per_record", "µs a record", False, _cost("cpu_s_per_million_records", "gateway")),
        Measure("gateway_resident_bytes", "bytes", False, _cost("resident_bytes", "gateway")),
        Measure(
            "gateway_switches_per_record", "a record", False,
            _cost("context_switches_per_thousand_records", "gateway", scale=1e-3),
        ),
        Measure(
            "gateway_calls_per_record", "a record", False,
            _cost("read_write_calls_per_thousand_records", "gateway", scale=1e-3),
        ),
        Measure("gateway_syscalls_per_record", "a record", False, _SYSCALLS),
        Measure("wire_bytes_per_record", "bytes a record", False, _cost("wire_bytes_per_record", "agents_to_gateway")),
        Measure("tcp_segments_per_record", "a record", False, _cost("tcp_segments_per_record", "machine")),
        Measure("ready_s", "s", False, lambda trial: trial.ready_s),
        Measure("lost_records", "records", False, _lost),
        Measure("fairness_ratio", "ratio", True, _fairness),
        Measure("least_share_ratio", "ratio", True, _least),
    )
}  # fmt: skip
