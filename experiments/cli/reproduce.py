"""`caudal reproduce`: a sealed run done again from its manifest, and held against itself."""

import contextlib
import shlex
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console

from experiments.analysis.compare import compare
from experiments.analysis.summary import measured
from experiments.cli.compare import print_comparison
from experiments.cli.main import COULD_NOT_MEASURE, DIFFERS, INTERRUPTED, nothing_to_interrupt
from experiments.cli.options import DEFAULT_OUT
from experiments.cli.screen import LiveScreen, wide_console
from experiments.design.experiment import Experiment
from experiments.running import run as runner
from experiments.store.run import RunFolder, StoreError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_OUT, show_default=True,
              help="Where the new run is kept.")  # fmt: skip
@click.option("--despite", type=click.Choice(["machine", "invalid"]), multiple=True,
              help="Hold them against each other although this differs. Repeatable.")  # fmt: skip
def reproduce(run: Path, out: Path, despite: tuple[str, ...]) -> int:
    """Do RUN again, with the config and seeds of its manifest, and compare the two.

    Exit code 0 if no cell differs by more than chance, 1 if one does, 3 if it couldn't be measured or compared, 2 if RUN
    isn't a run or its config can't be run here, 130 if interrupted.
    """
    original = RunFolder.open_sealed(run)
    try:
        experiment = msgspec.convert(original.manifest["experiment"], Experiment)
    except (msgspec.ValidationError, KeyError) as error:
        raise StoreError(
            f"{run}: its config isn't one of this version ({error}); reproduce it with commit {original.manifest['commit']}"
        ) from None
    screen = LiveScreen(Console(stderr=True))
    try:
        with contextlib.closing(screen):
            command = shlex.join(["caudal", "reproduce", str(run)])
            folder, found = runner.run(experiment, out, command=command, screen=screen)
            nothing_to_interrupt()
    except KeyboardInterrupt:
        print("caudal: interrupted; a reproduction isn't gone on with", file=sys.stderr)
        return INTERRUPTED
    comparison = compare(original, folder, despite)
    print_comparison(wide_console(), comparison)
    print(folder.path)
    if comparison.refusals or not measured(found):
        return COULD_NOT_MEASURE
    return DIFFERS if comparison.differing else 0
