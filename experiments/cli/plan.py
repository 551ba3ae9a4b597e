"""`caudal plan`: what an experiment would do and, cell by cell, what its load will be; runs nothing of the system."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from experiments.cli import complete
from experiments.cli.options import OVERRIDES
from experiments.cli.progress import Progress, waiting
from experiments.cli.screen import cell_text
from experiments.deploy.placement import count
from experiments.design import plan as planning
from experiments.design.caveats import caveats
from experiments.design.config import load
from experiments.design.experiment import Experiment
from experiments.design.prediction import Prediction, flush_mix, predict
from experiments.machine.scan_speed import ScanSpeeds
from experiments.running.preflight import check

#: What the columns hold: the table itself has to go into 80 of them.
_LEGEND: Final = (
    "batch: records; flush: % by size/timeout/close; wait: in the agent, ms",
    "work: offered by what workers can scan; drain: s to empty the queue; s: a trial",
)


#: So many warnings come before a run; `caudal plan` says all.
_MOST_WARNINGS: Final = 3


@click.command()
@click.argument("config", shell_complete=complete.configs)
@OVERRIDES
@click.option(
    "--no-calibrate",
    is_flag=True,
    help="Don't measure how fast the engines scan here; then what the workers carry is unknown.",
)
def plan(config: str, overrides: tuple[str, ...], no_calibrate: bool) -> None:
    """Show the cells of the experiment CONFIG, what each will do, and how long all of it takes.

    \b
    Examples:
      caudal plan batching --set experiment.replicates=10
      caudal plan my.toml --no-calibrate

    For each cell: the flush mix, from theory or a simulation of a few agents; and how busy the workers will be at least, from
    how fast a core scans here (measured now, 1 to 3 seconds). Warns of cells that can't differ, can't end or can't tell.
    """
    experiment = load(config, overrides)
    planned = planning.plan(experiment)
    check(experiment, waiting)
    speeds = None if no_calibrate else ScanSpeeds()
    with contextlib.ExitStack() as stack:
        progress = Progress("predicting", len(experiment.cells))
        stack.callback(progress.stop)
        predictions = predicted(experiment, speeds, progress.at)
    console = Console(highlight=False)
    console.print(f"{experiment.name}: {experiment.question}", style="bold")
    console.print(_table(experiment, planned, predictions))
    for line in (*_LEGEND, *_sources(predictions, speeds)):
        console.print(line, style="dim")
    least, most = experiment.replication.least, experiment.replication.most
    replicates = f"{least}" if least == most else f"{least} to {most}"
    expected_s = sum(_trial_s(trial, predictions[trial.cell.index]) for trial in planned.trials)
    minutes = f"about {expected_s / 60:.1f} minutes"
    if least != most:
        minutes = f"about {expected_s * planned.least_blocks / experiment.replication.most / 60:.1f} to {minutes[6:]}"
    console.print(
        f"{len(planned.cells)} cells x {replicates} replicates = {len(planned.trials)} trials at most, {minutes}"
    )
    console.print("order: blocks of one replicate of every cell, randomised within a block; seeds shared across cells")
    for one in caveats(experiment, predictions, count(), expected_s):
        console.print(f"warning: {one}", style="yellow")


def warn(experiment: Experiment, console: Console) -> None:
    """Says the first few caveats that need no measurement, for `caudal run`."""
    expected_s = planning.plan(experiment).expected_s
    found = caveats(experiment, predicted(experiment, None), count(), expected_s)
    for one in found[:_MOST_WARNINGS]:
        console.print(f"warning: {one}", style="yellow", highlight=False, soft_wrap=True)
    if len(found) > _MOST_WARNINGS:
        console.print(f"and {len(found) - _MOST_WARNINGS} more warnings: see `caudal plan`", style="yellow")


def predicted(
    experiment: Experiment, speeds: ScanSpeeds | None, watch: Callable[[int, str], None] = lambda _done, _what: None
) -> list[Prediction]:
    """Each cell's prediction; without `speeds` nothing is measured. Raises: as `ScanSpeeds.of`.

    Args: watch: told before each cell how many are done, and which is next.
    """
    found: list[Prediction] = []
    for cell, config in zip(experiment.cells, experiment.configs, strict=True):
        watch(len(found), cell_text(cell.levels))
        speed = None if speeds is None or config.deploy.kind == "attach" else speeds.of(config, flush_mix(config))
        found.append(predict(config, count(), speed))
    return found


def _table(experiment: Experiment, planned: planning.Plan, predictions: Sequence[Prediction]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("cell", justify="right")
    table.add_column("levels", overflow="fold")
    for name in ("batch", "flush", "wait", "work", "drain", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    first = {trial.cell.index: trial for trial in planned.trials if trial.block == 0}
    for cell, one in zip(experiment.cells, predictions, strict=True):
        mix = one.mix
        table.add_row(
            str(cell.index),
            cell_text(cell.levels),
            "–" if mix is None or mix.records_per_batch is None else f"{mix.records_per_batch:,.4g}",
            "–"
            if mix is None
            else "/".join(
                f"{share * 100:.0f}" for share in (mix.by_size_ratio, mix.by_timeout_ratio, mix.by_close_ratio)
            ),
            "–" if mix is None or mix.batch_wait_mean_s is None else f"{mix.batch_wait_mean_s * 1e3:,.4g}",
            _work(one),
            "?" if one.drain_s is None else "0" if one.drain_s < 0.05 else f"≥{one.drain_s:,.2g}",
            f"{_trial_s(first[cell.index], one):.0f}",
        )
    return table


def _work(one: Prediction) -> str:
    if one.offered_records_per_s is None:
        return "full"
    return "?" if one.utilisation_ratio is None else f"≥{one.utilisation_ratio:.0%}"


def _trial_s(trial: planning.Trial, prediction: Prediction) -> float:
    """A trial's time with the drain that is predicted, up to the one it waits for."""
    drain_s = min(prediction.drain_s or 0.0, trial.config.trial.drain_timeout_s)
    return trial.expected_s + max(0.0, drain_s - planning.DRAIN_S)


def _sources(predictions: Sequence[Prediction], speeds: ScanSpeeds | None) -> list[str]:
    """Whence the figures are."""
    methods = dict.fromkeys(one.mix.method for one in predictions if one.mix is not None)
    lines = [f"flush and wait: {'; '.join(methods)}"] if methods else []
    if speeds is None:
        return [*lines, "work and drain: not measured (--no-calibrate)"]
    return [*lines, *(f"one core scans here: {said}" for said in speeds.described())]
