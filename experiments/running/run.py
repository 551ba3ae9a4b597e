"""Runs an experiment: its trials in the plan's order, each sealed as it ends, the run sealed when all are done.

Reads an `Experiment`, writes one run folder (the second waist). An interrupted run keeps what is done and `--resume` runs
what is missing; a run in which nothing was done leaves nothing.
"""

import secrets
import shutil
import signal
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from experiments import interrupts
from experiments.analysis.summary import Summary, summary
from experiments.design.experiment import Experiment
from experiments.design.plan import Plan, Trial, plan
from experiments.design.redact import redacted
from experiments.machine import inventory
from experiments.metrics.histograms import histograms
from experiments.metrics.schedule import unlike_sealed
from experiments.metrics.trial import TrialSummary, summarise
from experiments.metrics.validity.registry import passing
from experiments.plots.style import FORMATS
from experiments.report.page import Watch, rebuild
from experiments.running.preflight import check
from experiments.running.trial import Moment, TrialRun
from experiments.store.run import PARTIAL, RunFolder


class Screen(Protocol):
    """Where a run shows its progress."""

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Entered for as long as this is under way, before the run starts."""

    def begin(self, plan: Plan, done: int) -> None:
        """The run starts, or goes on after `done` trials."""

    def trial(self, trial: Trial, position: int, total: int) -> None:
        """A trial starts."""

    def moment(self, moment: Moment) -> None:
        """A trial runs."""

    def again(self, trial: Trial, reasons: list[str]) -> None:
        """A trial was invalid for these and gets another attempt."""

    def ended(self, trial: Trial, found: TrialSummary) -> None:
        """A trial is over."""

    def reporting(self, share: float, what: str) -> None:
        """All trials are over and the report is written: so much of it is done, and this last."""


class RunError(ValueError):
    """The run can't begin or go on. The message says what to do."""


def run(
    experiment: Experiment,
    out: Path,
    *,
    command: str,
    screen: Screen,
    resume: bool = False,
    budget_s: float | None = None,
    language: str = "en",
    formats: tuple[str, ...] = FORMATS,
) -> tuple[RunFolder, Summary]:
    """Runs an experiment to its end, or to the end of a block when the budget is spent.

    Raises: RunError, BrokerError, PlacementError, OSError: nothing was measured; KeyboardInterrupt: what is done is kept.
    """
    planned = plan(experiment)
    check(experiment, screen.waiting)
    folder = (
        resumed(experiment, out) if resume else created(experiment, out, command, trials_planned=len(planned.trials))
    )
    done = {record.index for record in folder.records()}
    begun = time.monotonic()
    wanted = len(planned.trials)
    screen.begin(planned, len(done))
    try:
        for trial in planned.trials:
            if trial.index in done:
                continue
            if _spent(trial, planned, budget_s, time.monotonic() - begun):
                break
            if _narrow(trial, experiment, folder, planned):
                wanted = trial.index
                break
            screen.trial(trial, trial.index, len(planned.trials))
            screen.ended(trial, measure(trial, folder, screen, experiment.replication.attempts))
    except BaseException:
        folder.discard()
        raise
    return folder, finish(folder, language=language, formats=formats, watch=screen.reporting, trials_planned=wanted)


def finish(
    folder: RunFolder, *, watch: Watch, language: str = "en", formats: tuple[str, ...] = FORMATS, **manifest: Any
) -> Summary:
    """Analyses a run whose trials are done, and seals it; `manifest` is what was not known at its beginning."""
    folder.write_json("manifest.json", {**folder.manifest, **manifest, "finished_utc": _now()})
    found = rebuild(folder, language=language, formats=formats, watch=watch)
    with interrupts.handled(signal.SIG_IGN):  # what is sealed stands
        folder.seal()
    return found


def measure(trial: Trial, folder: RunFolder, screen: Screen, attempts: int = 1) -> TrialSummary:
    """Runs one trial and seals it in an open run.

    A trial that its moment made invalid is run again until it has had its attempts; the last is sealed, with the reasons
    of those before it.
    """
    repeated: list[list[str]] = []
    while True:
        logs = folder.path / "logs" / f"{trial.index:04d}"
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        record, tables = TrialRun(trial, folder.run_id, logs, screen.moment).run()
        record = msgspec.structs.replace(record, repeated=list(repeated))
        found = summarise(record, tables)
        if len(repeated) + 1 >= attempts or not passing(found.reasons):
            break
        repeated.append(found.reasons)
        screen.again(trial, found.reasons)
    drain = record.load.arrivals["kind"] == "drain"
    if tables is not None and not drain and not unlike_sealed(record, tables.batches):
        whole, seconds = histograms(record, tables)
        folder.add_latency(record, [whole], seconds)
    folder.add(record, tables)
    return found


def _spent(trial: Trial, planned: Plan, budget_s: float | None, elapsed_s: float) -> bool:
    """Whether the budget has no room for the block that begins with this trial. The first block is always run."""
    size = len(planned.cells)
    if budget_s is None or trial.index % size or trial.block == 0:
        return False
    return elapsed_s + planned.expected_s / len(planned.trials) * size > budget_s


def _narrow(trial: Trial, experiment: Experiment, folder: RunFolder, planned: Plan) -> bool:
    """Whether every cell's interval is as narrow as the config asks, at the begin of a block that needn't be run then."""
    size = len(planned.cells)
    width = experiment.replication.ci_half_width
    if width is None or trial.index % size or trial.block < max(1, planned.least_blocks):
        return False
    estimates = [cell.carried_records_per_s for cell in summary(folder).cells]
    return len(estimates) == size and all(
        one.value is not None and one.high is not None and one.high / one.value - 1 <= width for one in estimates
    )


def created(experiment: Experiment, out: Path, command: str, **manifest: Any) -> RunFolder:
    """A new open run of an experiment in `out`; `manifest` goes into its manifest."""
    head, dirty = inventory.commit()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return RunFolder.create(
        out / experiment.name / f"{stamp}-{secrets.token_hex(2)}",
        {
            "experiment": redacted(msgspec.to_builtins(experiment)),
            **manifest,
            "commit": head,
            "dirty": dirty,
            "command": redacted(command),
            "machine": inventory.describe(),
            "begun_utc": _now(),
        },
    )


def resumed(experiment: Experiment, out: Path) -> RunFolder:
    """The last interrupted run of an experiment in `out`. Raises: RunError, StoreError."""
    candidates = sorted((out / experiment.name).glob(f"*{PARTIAL}"))
    if not candidates:
        raise RunError(
            f"nothing to resume: {out / experiment.name} holds no interrupted run; leave --resume out to begin one"
        )
    folder = RunFolder.open(candidates[-1])
    if folder.manifest["experiment"] != redacted(msgspec.json.decode(msgspec.json.encode(experiment))):
        raise RunError(
            f"{folder.path} was begun with another config; resume it with that one, or remove the folder and begin again"
        )
    folder.hold()
    return folder


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
