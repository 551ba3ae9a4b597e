"""Two sealed runs held against each other, cell by cell, or why they can't be.

What must be alike is the question: load, phases, machine. What may differ is the answer's cause: commit, versions,
settings of the system. Some refusals can be overridden, and then every line says so.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from experiments.analysis.measures import MEASURES, P99_RESPONSE
from experiments.analysis.summary import Summary, summary
from experiments.metrics.trial import TrialSummary
from experiments.stats.ratio import Ratio, ratio
from experiments.store.record import TrialRecord
from experiments.store.run import RunFolder

#: Of a machine: what decides how fast it is. Kernel, Python and packages are told, for they may be what is compared.
HARDWARE: Final = ("cpu_model", "cores", "cores_physical", "governor", "cgroup_cpu_max", "memory_bytes")
#: Refusals that can be overridden by name; a different schema never can, for its fields mean something else.
OVERRIDABLE: Final = ("machine", "schedule", "invalid")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why two runs can't be compared: `kind` is one of OVERRIDABLE, or `schema` or `cells`."""

    kind: str
    sentence: str


class CellComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of both runs: second by first. Above 1 the second carries more, or takes longer."""

    cell: dict[str, Any]
    carried_records_per_s: Ratio
    p99_response_s: Ratio


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs. With `refusals` there are no cells. `marks`: refusals that were overridden. `differences`: what differs."""

    first: str
    second: str
    refusals: list[Refusal]
    marks: list[str]
    differences: list[str]
    cells: list[CellComparison]

    @property
    def differing(self) -> list[CellComparison]:
        """Cells whose carried load differs by more than chance, over all cells together."""
        return [cell for cell in self.cells if cell.carried_records_per_s.differs]


def compare(first: RunFolder, second: RunFolder, despite: Collection[str] = ()) -> Comparison:
    """Compares two runs.

    Args:
        first, second: sealed runs.
        despite: kinds of OVERRIDABLE that don't count.

    Raises: StoreError if one can't be read.
    """
    records = (first.records(), second.records())
    found = (summary(first), summary(second))
    refused = [*_schema(found), *_machine(found), *_invalid(found), *_cells(found), *_schedule(*records)]
    refusals = [one for one in refused if one.kind not in despite]
    marks = [one.sentence for one in refused if one.kind in despite]
    return Comparison(
        first=first.run_id,
        second=second.run_id,
        refusals=refusals,
        marks=marks,
        differences=list(_differences(first, second, *records)),
        cells=[] if refusals else _compared(found, *records),
    )


Both = tuple[Summary, Summary]


def _schema(found: Both) -> Iterator[Refusal]:
    one, other = (each.schema_version for each in found)
    if one != other:
        yield Refusal(
            kind="schema",
            sentence=f"their stored forms are of schema version {one} and {other}: run the older one again",
        )


def _machine(found: Both) -> Iterator[Refusal]:
    for name in HARDWARE:
        one, other = (each.machine.get(name) for each in found)
        if one != other:
            yield Refusal(
                kind="machine", sentence=f"they were made on different machines: {name} is {one!r} and {other!r}"
            )


def _invalid(found: Both) -> Iterator[Refusal]:
    for each in found:
        bad = [trial.index for trial in each.trials if not trial.valid]
        if bad or not each.trials:
            yield Refusal(
                kind="invalid",
                sentence=f"{each.run_id} has {len(bad)} invalid trials of {len(each.trials)}, the first reason:"
                f" {next((trial.reasons[0] for trial in each.trials if trial.reasons), 'no trial')}",
            )


def _cells(found: Both) -> Iterator[Refusal]:
    if not _common(found):
        yield Refusal(kind="cells", sentence="they have no cell in common: the factors or their levels differ")


def _common(found: Both) -> list[dict[str, Any]]:
    other = [cell.cell for cell in found[1].cells]
    return [cell.cell for cell in found[0].cells if cell.cell in other]


def _schedule(first: list[TrialRecord], second: list[TrialRecord]) -> Iterator[Refusal]:
    """The load must be alike: what is offered in each cell, and for how long; in an open loop, batch for batch."""
    for one, other in _matched(first, second):
        unlike = [
            name
            for name in ("arrivals", "agents", "batch_size", "timeout_s", "pause_s", "records", "classes", "horizon_s")
            if getattr(one.load, name) != getattr(other.load, name)
        ]
        if one.config.get("trial") != other.config.get("trial"):
            unlike.append("trial")
        if unlike:
            yield Refusal(kind="schedule", sentence=f"their load differs, in {', '.join(unlike)}")
            return
        if one.seed != other.seed or one.load.fingerprint != other.load.fingerprint:
            yield Refusal(kind="schedule", sentence="their schedules differ: other seeds gave other arrivals")
            return


def _matched(first: list[TrialRecord], second: list[TrialRecord]) -> Iterator[tuple[TrialRecord, TrialRecord]]:
    """Trials of the same cell and replicate."""
    for one in first:
        for other in second:
            if one.cell == other.cell and one.replicate == other.replicate:
                yield one, other


def _differences(
    first: RunFolder, second: RunFolder, records: list[TrialRecord], others: list[TrialRecord]
) -> Iterator[str]:
    """What may be the cause of a difference: told, not refused."""
    one, other = first.manifest, second.manifest
    for name in ("commit", "dirty"):
        if one.get(name) != other.get(name):
            yield f"{name}: {one.get(name)} and {other.get(name)}"
    machines = ({**run["machine"], **run["machine"].get("packages", {})} for run in (one, other))
    told, said = ({k: v for k, v in machine.items() if k != "packages" and k not in HARDWARE} for machine in machines)
    yield from (f"{k}: {told.get(k)} and {said.get(k)}" for k in sorted({*told, *said}) if told.get(k) != said.get(k))
    seen = set()
    for mine, theirs in _matched(records, others):
        for table in ("system", "placement", "deploy", "faults", "probes", "validity"):
            if mine.config.get(table) != theirs.config.get(table):
                seen.add(f"[{table}] of the config")
    yield from sorted(seen)


def _compared(found: Both, first: list[TrialRecord], second: list[TrialRecord]) -> list[CellComparison]:
    same = {
        (mine.index, theirs.index)
        for mine, theirs in _matched(first, second)
        if mine.load.fingerprint is not None and mine.load.fingerprint == theirs.load.fingerprint
    }
    common = _common(found)
    compared = []
    for cell in common:
        one, other = ([t for t in each.trials if t.cell == cell and t.counts] for each in found)
        pairs = [(mine, theirs) for mine in one for theirs in other if (mine.index, theirs.index) in same]
        paired = len(pairs) == len(one) == len(other)
        if paired:
            one, other = [mine for mine, _ in pairs], [theirs for _, theirs in pairs]
        compared.append(
            CellComparison(
                cell=cell,
                carried_records_per_s=_ratio(one, other, paired, len(common), lambda t: t.carried_records_per_s),
                p99_response_s=_ratio(one, other, paired, len(common), MEASURES[P99_RESPONSE].of),
            )
        )
    return compared


def _ratio(one: list[TrialSummary], other: list[TrialSummary], paired: bool, comparisons: int, figure: Any) -> Ratio:
    mine, theirs = [figure(trial) for trial in one], [figure(trial) for trial in other]
    whole = None not in mine and None not in theirs
    return ratio(
        [value for value in mine if value is not None],
        [value for value in theirs if value is not None],
        paired=paired and whole,
        comparisons=comparisons,
    )
