"""What the whole pipeline carries, and how long its records take at half of the load: goals.toml and goals-half.toml.

From the sealed runs; an invalid trial gives no value, and what it leaves out is seen by the number of values.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import numpy as np

from experiments.analysis.summary import Summary
from experiments.design.config import load
from experiments.design.plan import Plan, Trial
from experiments.metrics.quantiles import quantiles
from experiments.metrics.response import join
from experiments.metrics.trial import TrialSummary
from experiments.running import run as runner
from experiments.running.trial import Moment
from experiments.store.run import RunFolder

BATCH_SIZES: Final = (1, 100, 1000)


def carried(repeats: int, out: Path, watch: Callable[[str], None]) -> tuple[dict[int, list[float]], dict[str, float]]:
    """Records a second by BATCH_SIZE, one a valid trial; and CPU seconds a gigabyte by part, of BATCH_SIZE 1000."""
    folder, found = _run("goals", repeats, out, watch)
    rates: dict[int, list[float]] = {size: [] for size in BATCH_SIZES}
    costs: dict[str, list[float]] = {}
    for trial in found.trials:
        size = int(trial.cell["swarm.batch_size"])
        if not trial.valid or trial.carried_records_per_s is None or trial.carried_bytes_per_s is None:
            watch(
                f"goals: trial {trial.index} of {folder.path} gives nothing: {'; '.join(trial.reasons) or 'it failed'}"
            )
            continue
        rates[size].append(trial.carried_records_per_s)
        if size == max(BATCH_SIZES):
            record_bytes = trial.carried_bytes_per_s / trial.carried_records_per_s
            for part, cpu_s in trial.cost["cpu_s_per_million_records"].items():
                if cpu_s is not None:
                    costs.setdefault(part, []).append(cpu_s * 1e3 / record_bytes)
    return rates, {part: float(np.mean(values)) for part, values in costs.items()}


def p99_after_the_cut_ms(repeats: int, out: Path, watch: Callable[[str], None]) -> dict[int, list[float]]:
    """The response time's 99th percentile without the batch wait, by BATCH_SIZE, one a valid trial.

    From the cut of a record's batch to its result; batches that never ended count as slowest, and if they are more than one
    in a hundred records the trial has no such percentile.
    """
    folder, found = _run("goals-half", repeats, out, watch)
    times: dict[int, list[float]] = {size: [] for size in BATCH_SIZES}
    valid = {trial.index: trial for trial in found.trials if trial.valid}
    for record in folder.records():
        tables = folder.tables(record)
        if record.index not in valid or tables is None:
            watch(f"goals-half: trial {record.index} of {folder.path} gives nothing: it is invalid")
            continue
        begin, end = record.window
        cut = tables.batches["cut_mono_ns"]
        due = int(tables.batches["count"][(cut >= begin) & (cut < end)].sum())
        done = join(tables.batches, tables.results)
        inside = (done["cut_mono_ns"] >= begin) & (done["cut_mono_ns"] < end)
        weight = done["count"][inside]
        took = (done["committed_mono_ns"] - done["cut_mono_ns"])[inside]
        p99 = quantiles(took, weight, due - int(weight.sum())).p99
        if p99 is not None:
            times[int(record.cell["swarm.batch_size"])].append(p99 * 1e3)
    return times


class _Lines:
    """Says what ends; see `Screen`."""

    def __init__(self, watch: Callable[[str], None]) -> None:
        self._watch = watch

    def waiting(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()

    def begin(self, plan: Plan, done: int) -> None: ...

    def trial(self, trial: Trial, position: int, total: int) -> None:
        self._watch(f"trial {position + 1} of {total}: {trial.cell.levels}")

    def moment(self, moment: Moment) -> None: ...

    def again(self, trial: Trial, reasons: list[str]) -> None:
        self._watch(f"again: {'; '.join(reasons)}")

    def ended(self, trial: Trial, found: TrialSummary) -> None: ...

    def reporting(self, share: float, what: str) -> None: ...


def _run(name: str, repeats: int, out: Path, watch: Callable[[str], None]) -> tuple[RunFolder, Summary]:
    watch(f"caudal run {name}, {repeats} replicates")
    experiment = load(name, (f"experiment.replicates={repeats}",))
    folder, found = runner.run(experiment, out, command=f"caudal run {name}", screen=_Lines(watch), formats=())
    return folder, found
