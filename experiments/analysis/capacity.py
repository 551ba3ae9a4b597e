"""What a capacity search found: its probes judged again from the sealed trials, and its search played again from them.

A probe holds if the system took all of the load and met every objective. One whose trial is invalid says nothing about the
system, whatever it looks like.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from experiments.metrics.trial import TrialSummary
from experiments.stats.capacity import Edge, Plan, Tally, following, so_far

#: The factor that a search varies: the name of its level in each trial's cell.
LOAD: Final = "offered_records_per_s"


class ProbeFound(msgspec.Struct, frozen=True, kw_only=True):
    """One probe: its trial, the load that was asked for, whether it held (null: it says nothing), and why."""

    trial: int
    load_records_per_s: float
    held: bool | None
    why: str

    @property
    def word(self) -> str:
        """The verdict as people read it."""
        return {True: "held", False: "didn't hold", None: "says nothing"}[self.held]


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: an interval, and how it came about."""

    objectives: dict[str, float]
    held_records_per_s: float | None
    failed_records_per_s: float | None
    beyond_records_per_s: float | None
    value_records_per_s: float | None
    done: bool
    says: str
    probes: list[ProbeFound]

    @property
    def measured(self) -> bool:
        """Whether the edge lies between two loads that were judged."""
        return self.value_records_per_s is not None


def judge(trial: TrialSummary, objectives: Mapping[str, float]) -> tuple[bool | None, str]:
    """Whether the load of a trial held (None: the trial doesn't say), and why.

    Args:
        objectives: upper limits by key of `[objectives]`, such as `p99_response_s`, in seconds.
    """
    if not trial.valid:
        return None, f"invalid: {'; '.join(trial.reasons)}"
    if trial.outcome != "ok":
        return False, trial.outcome
    times = trial.response_time_s
    silent: list[str] = []
    missed: list[str] = []
    met: list[str] = []
    for key, limit_s in objectives.items():
        name = key.partition("_")[0]
        value_s = getattr(times, name)
        if value_s is None and not times.unfinished:
            silent.append(f"{name} can't be told from {times.count} records: measure longer")
        elif value_s is None:
            missed.append(f"{name} beyond measure: {times.unfinished} records never finished")
        else:
            (met if value_s <= limit_s else missed).append(
                f"{name} {value_s * 1e3:,.1f} ms {'<=' if value_s <= limit_s else '>'} {limit_s * 1e3:,.1f} ms"
            )
    if missed:
        return False, "; ".join([*missed, *_longest(trial)])
    return (None, "; ".join(silent)) if silent else (True, "; ".join(met))


def _longest(trial: TrialSummary) -> list[str]:
    """The stage in which the slowest records spent most: what a tuner would look at first."""
    known = {name: one.p99 for name, one in trial.stages_s.items() if one.p99 is not None}
    if not known:
        return []
    name = max(known, key=lambda one: known[one])
    return [f"longest stage {name}, p99 {known[name] * 1e3:,.1f} ms"]


def tallied(probes: Sequence[ProbeFound]) -> dict[float, Tally]:
    """The verdicts by load."""
    tallies: dict[float, Tally] = {}
    for probe in probes:
        tallies.setdefault(probe.load_records_per_s, Tally()).add(probe.held)
    return tallies


def probes_of(trials: Sequence[TrialSummary], objectives: Mapping[str, float]) -> list[ProbeFound]:
    """The probes of a search, in the order of running."""
    found = []
    for trial in trials:
        held, why = judge(trial, objectives)
        found.append(ProbeFound(trial=trial.index, load_records_per_s=trial.cell[LOAD], held=held, why=why))
    return found


def capacity(manifest: Mapping[str, Any], trials: Sequence[TrialSummary]) -> Capacity | None:
    """What the search of a run found; None if the run is no search."""
    if "capacity" not in manifest:
        return None
    plan = msgspec.convert(manifest["capacity"], Plan)
    given = manifest["experiment"]["configs"][0]["objectives"]
    objectives = {name: limit_s for name, limit_s in given.items() if limit_s is not None}
    probes = probes_of(trials, objectives)
    tallies = tallied(probes)
    edge = so_far(plan, tallies)
    done = isinstance(following(plan, tallies), Edge)
    value = math.sqrt(edge.held * edge.failed) if edge.held is not None and edge.failed is not None else None
    if edge.beyond is not None:
        value = None
    return Capacity(
        objectives=objectives,
        held_records_per_s=edge.held,
        failed_records_per_s=edge.failed,
        beyond_records_per_s=edge.beyond,
        value_records_per_s=value,
        done=done,
        says=says(edge, objectives, probes, plan, done=done),
        probes=probes,
    )


def says(edge: Edge, objectives: Mapping[str, float], probes: Sequence[ProbeFound], plan: Plan, *, done: bool) -> str:
    """The answer as a sentence."""
    wanted = ", ".join(f"{name} <= {limit_s:g}" for name, limit_s in objectives.items())
    invalid = sum(probe.held is None for probe in probes)
    count = f"{len(probes)} probes" + (f", {invalid} of them invalid" if invalid else "")
    early = "" if done else "; broken off before the ends were certain and close"
    if edge.beyond is not None:
        why = next(probe.why for probe in probes if probe.load_records_per_s == edge.beyond)
        floor = "nothing below it held" if edge.held is None else f"at least {edge.held:,.0f} records/s"
        return (
            f"could not measure: {floor} with {wanted}, but at {edge.beyond:,.0f} records/s the instrument gave out, not"
            f" the system ({why}); {count}{early}"
        )
    if edge.held is None and edge.failed is None:
        return f"could not measure: no load was judged; {count}{early}"
    if edge.held is None:
        why = next(probe.why for probe in reversed(probes) if probe.load_records_per_s == edge.failed)
        least = f"; below {plan.least:,.0f} records/s the window holds too few records to judge by" if done else ""
        nothing = "no load" if done else "no load with certainty"
        return f"{nothing} held {wanted}: at {edge.failed:,.0f} records/s {why}{least}; {count}{early}"
    if edge.failed is None:
        return f"at least {edge.held:,.0f} records/s with {wanted}; {count}{early}"
    return f"between {edge.held:,.0f} and {edge.failed:,.0f} records/s with {wanted}; {count}{early}"
