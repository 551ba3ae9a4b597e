"""The laws of a run that varied its size: one series of sizes for each combination of the other factors.

The size of a real system is the number of CPU cores that its workers have. With the engine `emulated` it is that of worker
children, of all nodes: they wait instead of computing, so that few real cores carry many. What they share (Celery's parents,
Redis, the gateway) is real, and runs out of real cores at some size: from there on it is the machine that is measured. Such
sizes are marked and enter no law.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from experiments.analysis.naming import cell_name
from experiments.metrics.trial import TrialSummary
from experiments.stats.scaling import LAWS, Fit, LawFit, fit, told
from experiments.store.record import TrialRecord

CORES: Final = "system.worker_cores"
CONCURRENCY: Final = "system.worker_concurrency"
NODES: Final = "system.worker_nodes"
#: No size, but what a config often sets with it: so many tasks for each child.
WINDOW: Final = "swarm.arrivals.window_batches"

#: Above this share of all the cores there are, used by all parts together, an emulated series is out of them: the rest goes
#: to the kernel, to others and to scheduling. On 2 cores (AMD EPYC guest, 2026-11) throughput was within 2 % of proportion at
#: 0.62 and 25 % below at 0.88.
OUT_OF_CORES_RATIO: Final = 0.75


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """One series. `sizes`: those with a valid trial; `out_of_cores`: those of them that say nothing of the system."""

    series: str
    emulated: bool
    sizes: list[int]
    out_of_cores: list[int]
    laws: list[LawFit]


class Point(NamedTuple):
    """A trial on a curve. `counts`: whether it enters estimates; `cpu_ratio`: see `busy_ratio`."""

    trial: TrialSummary
    series: str
    emulated: bool
    size: int
    counts: bool
    cpu_ratio: float | None


def points(
    records: Mapping[int, TrialRecord], trials: Sequence[TrialSummary], machine: Mapping[str, Any]
) -> dict[str, list[Point]]:
    """The trials by series, in the order of their cells; series of one size are left out."""
    ordered = sorted(trials, key=lambda one: (records[one.index].cell_index, one.index))
    windows = _windows(records, ordered)
    found: dict[str, list[Point]] = {}
    for trial in ordered:
        record = records[trial.index]
        emulated = is_emulated(record)
        if (size := size_of(record)) and trial.carried_records_per_s is not None:
            series = series_of(trial.cell, emulated)
            if windows[series, size] > 1:
                series = f"{series}, window_batches {trial.cell[WINDOW]}"
            point = Point(trial, series, emulated, size, trial.counts, busy_ratio(record, trial, machine))
            found.setdefault(series, []).append(point)
    return {name: mine for name, mine in found.items() if len({one.size for one in mine}) > 1}


def scalings(
    records: Mapping[int, TrialRecord], trials: Sequence[TrialSummary], machine: Mapping[str, Any]
) -> list[Scaling]:
    """Every series of a run, with the laws that it has sizes enough for."""
    found = []
    for name, mine in points(records, trials, machine).items():
        spent = out_of_cores(mine)
        sizes, rates = fitted(mine)
        found.append(
            Scaling(
                series=name,
                emulated=mine[0].emulated,
                sizes=sorted({one.size for one in mine if one.counts}),
                out_of_cores=spent,
                laws=[told(one, sizes, rates) for one in fits(mine)],
            )
        )
    return found


def fits(mine: Sequence[Point]) -> Iterator[Fit]:
    """The laws of a series, fitted to the trials that count."""
    sizes, rates = fitted(mine)
    for law in LAWS:
        if (one := fit(law, sizes, rates)) is not None:
            yield one


def fitted(mine: Sequence[Point]) -> tuple[list[int], list[float]]:
    """Sizes and rates of the trials that a law is fitted to."""
    spent = out_of_cores(mine)
    used = [
        (one.size, one.trial.carried_records_per_s)
        for one in mine
        if one.counts and one.trial.carried_records_per_s and one.size not in spent
    ]
    return [size for size, _ in used], [rate for _, rate in used]


def out_of_cores(mine: Sequence[Point]) -> list[int]:
    """The sizes of an emulated series from the first one on at which the real cores ran out, in most trials that count."""
    sizes = sorted({one.size for one in mine if one.emulated})
    for place, size in enumerate(sizes):
        ratios = [one.cpu_ratio for one in mine if one.size == size and one.counts and one.cpu_ratio is not None]
        if ratios and 2 * sum(one > OUT_OF_CORES_RATIO for one in ratios) > len(ratios):
            return sizes[place:]
    return []


def busy_ratio(record: TrialRecord, trial: TrialSummary, machine: Mapping[str, Any]) -> float | None:
    """The share of the real cores that everything used, or a Celery parent of its one, whichever is greater.

    A parent is one thread: with a whole core it is out of cores, however many there are. None where no CPU time is known.
    """
    seconds = (record.window[1] - record.window[0]) / 1e9
    if not record.cpu_s or seconds <= 0 or not machine.get("cores"):
        return None
    whole = sum(record.cpu_s.values()) / seconds / float(machine["cores"])
    spent: float | None = (trial.cost.get("cpu_s_per_million_records") or {}).get("worker_parents")
    nodes = int(_system(record).get("worker_nodes", 1))
    parent = (spent or 0.0) * (trial.carried_records_per_s or 0.0) / 1e6 / nodes
    return max(whole, parent)


def is_emulated(record: TrialRecord) -> bool:
    """Whether its workers waited instead of computing."""
    return bool(_system(record).get("engine") == "emulated")


def size_of(record: TrialRecord) -> int:
    """The size of a trial's system; 0 where it isn't known, as for cores that nothing was pinned to."""
    if is_emulated(record):
        return int(record.target.get("worker_concurrency", 0)) * int(_system(record).get("worker_nodes", 1))
    return len(record.target.get("placement", {}).get("workers", ()))


def series_of(cell: Mapping[str, Any], emulated: bool) -> str:
    """A cell's levels without those that make its size, and without the window; empty if there are no others."""
    sizes = {CORES, CONCURRENCY, NODES, WINDOW} if emulated else {CORES, WINDOW}
    rest = {
        name: level
        for name, level in cell.items()
        if name not in sizes and not (name == CONCURRENCY and level == "cores")  # a child for each core
    }
    return cell_name(rest) if rest else ""


def _windows(records: Mapping[int, TrialRecord], trials: Sequence[TrialSummary]) -> dict[tuple[str, int], int]:
    """By series and size: how many windows were tried. With one each, the window goes with the size and is no factor."""
    found: dict[tuple[str, int], set[object]] = {}
    for trial in trials:
        record = records[trial.index]
        key = (series_of(trial.cell, is_emulated(record)), size_of(record))
        found.setdefault(key, set()).add(trial.cell.get(WINDOW))
    return {key: len(each) for key, each in found.items()}


def _system(record: TrialRecord) -> Mapping[str, Any]:
    system: Mapping[str, Any] = record.config.get("system", {})
    return system
