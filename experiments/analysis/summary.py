"""summary.json of a run: its trials, its cells over their trials, and the verdict.

Reads the store alone: the same raw data give the same summary, years later and without Redis or Celery.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

import msgspec

from experiments.analysis.batching import Batching, batching
from experiments.analysis.capacity import Capacity, capacity
from experiments.analysis.hypotheses import Decision, HypothesisFound, decided, hypotheses
from experiments.analysis.measures import MEASURES, P99_RESPONSE, PARTS
from experiments.analysis.scaling import Scaling, scalings
from experiments.analysis.steps import Step, steps
from experiments.metrics.trial import TrialSummary, summarise
from experiments.stats.estimate import Estimate, estimate
from experiments.store.record import TrialRecord
from experiments.store.run import RunFolder


class CellSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One cell over its valid trials in which the system lived."""

    cell: dict[str, Any]
    carried_records_per_s: Estimate
    offered_records_per_s: Estimate
    p99_response_s: Estimate
    batching: Batching
    bottleneck: str | None
    trials: int
    invalid_trials: int
    failed_trials: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `dirty`: the source tree had uncommitted changes. `verdict`: of the instrument alone."""

    schema_version: int
    experiment: str
    question: str
    run_id: str
    commit: str | None
    dirty: bool
    complete: bool
    command: str
    machine: dict[str, Any]
    trials: list[TrialSummary]
    cells: list[CellSummary]
    steps: list[Step]
    scaling: list[Scaling]
    hypotheses: list[HypothesisFound]
    decision: Decision | None
    capacity: Capacity | None
    verdict: str

    @property
    def best(self) -> CellSummary | None:
        """The cell that carries most; None where no cell has a rate."""
        known = [cell for cell in self.cells if cell.carried_records_per_s.value is not None]
        return max(known, key=lambda cell: cell.carried_records_per_s.value or 0.0, default=None)


def measured(found: Summary) -> bool:
    """Whether everything that was asked for was measured: each trial valid, and its system alive to the end."""
    return found.verdict == "valid" and all(trial.outcome != "failed" for trial in found.trials)


#: A part that uses more of its own cores than this is busy enough to be what limits: the rest is lost to scheduling. Of all
#: parts on all cores together, scaling.OUT_OF_CORES_RATIO asks for less: several that share cores lose more.
LIMITING_RATIO = 0.85


def summary(run: RunFolder, watch: Callable[[], None] = lambda: None) -> Summary:
    """Computes it from the run's raw data. `watch` is called after each trial."""
    manifest = run.manifest
    records = run.records()
    trials = []
    for record in records:
        trials.append(summarise(record, run.tables(record)))
        watch()
    searched = capacity(manifest, trials)
    full = {one.index for one, trial in zip(records, trials, strict=True) if at_limit(one, trial.outcome)}
    design = manifest["experiment"]
    judged = hypotheses(design.get("hypotheses", ()), trials)
    return Summary(
        schema_version=manifest["schema_version"],
        experiment=manifest["experiment"]["name"],
        question=manifest["experiment"]["question"],
        run_id=run.run_id,
        commit=manifest["commit"],
        dirty=manifest["dirty"],
        complete=len(trials) == manifest["trials_planned"],
        command=manifest["command"],
        machine=manifest["machine"],
        trials=trials,
        cells=_cells(manifest["experiment"]["cells"], records, trials, full),
        # A config from before there were walks says nothing of it.
        steps=steps([one["levels"] for one in design["cells"]], trials) if design.get("steps", False) else [],
        scaling=scalings({record.index: record for record in records}, trials, manifest["machine"]),
        hypotheses=judged,
        decision=decided(judged),
        capacity=searched,
        verdict=_verdict(trials, searched),
    )


def at_limit(record: TrialRecord, outcome: str) -> bool:
    """Whether a trial met a limit of the system, so that one part can be said to be it.

    At full load it did, by definition, and when it was overloaded by agents that never pause: those that do may be what
    doesn't follow. In any other open loop it did only if a part used LIMITING_RATIO of the cores that it was placed on:
    else the part that uses most CPU limits nothing.
    """
    load = record.load
    pausing = load.pause_s > 0 or any(one["pause_s"] > 0 for one in load.classes)
    if not load.open_loop or (outcome == "overloaded" and not pausing):
        return True
    seconds = (record.window[1] - record.window[0]) / 1e9
    placed = record.target.get("placement", {})
    return any(
        bool(placed.get(part))
        and seconds > 0
        and record.cpu_s.get(part, 0.0) / seconds / len(placed[part]) > LIMITING_RATIO
        for part in PARTS
    )


def _verdict(trials: Sequence[TrialSummary], searched: Capacity | None) -> str:
    """A search repeats its invalid probes: it is valid if its edge was found."""
    valid = searched.measured if searched is not None else bool(trials) and all(trial.valid for trial in trials)
    return "valid" if valid else "invalid"


def _cells(
    cells: Sequence[dict[str, Any]],
    records: Sequence[TrialRecord],
    trials: Sequence[TrialSummary],
    full: Container[int],
) -> list[CellSummary]:
    found = []
    for cell in cells:
        mine = [trial for trial in trials if trial.cell == cell["levels"]]
        counted = [trial for trial in mine if trial.counts]
        if not mine:
            continue
        found.append(
            CellSummary(
                cell=cell["levels"],
                carried_records_per_s=estimate(
                    [t.carried_records_per_s for t in counted if t.carried_records_per_s is not None]
                ),
                offered_records_per_s=estimate(
                    [t.offered_records_per_s for t in counted if t.offered_records_per_s is not None]
                ),
                p99_response_s=estimate([p99 for t in counted if (p99 := MEASURES[P99_RESPONSE].of(t)) is not None]),
                batching=batching(
                    [record for record in records if record.cell == cell["levels"]],
                    [trial.batching for trial in counted if trial.batching is not None],
                ),
                bottleneck=_bottleneck([trial for trial in counted if trial.index in full]),
                trials=len(mine),
                invalid_trials=sum(not trial.valid for trial in mine),
                failed_trials=sum(trial.died for trial in mine),
            )
        )
    return found


def _bottleneck(trials: Sequence[TrialSummary]) -> str | None:
    """The part of the system that spends the most CPU a record, over trials that met a limit; None if there are none."""
    spent: dict[str, float] = {}
    for trial in trials:
        known = {part: cpu for part, cpu in trial.cost.get("cpu_s_per_million_records", {}).items() if cpu is not None}
        for part in PARTS if known.keys() >= set(PARTS) else ():  # of one that was killed it isn't known
            spent[part] = spent.get(part, 0.0) + known[part]
    return max(spent, key=lambda part: spent[part]) if spent else None
