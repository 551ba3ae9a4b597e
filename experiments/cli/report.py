"""`caudal report`: rebuilds report.html and summary.json of a sealed run from its raw data."""

import contextlib
from pathlib import Path

import click
from rich.console import Console

from experiments.analysis.summary import measured
from experiments.cli.figures import figure_options
from experiments.cli.main import COULD_NOT_MEASURE
from experiments.cli.progress import Progress
from experiments.cli.verdict import print_reasons, verdict_line
from experiments.report.page import rebuild
from experiments.store.run import RunFolder


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@figure_options
def report(run: Path, language: str, formats: tuple[str, ...]) -> int:
    """Rebuild report.html, summary.json and the figures of RUN (the folder that `caudal run` printed).

    Needs neither Redis nor Celery: only what the run sealed. Exit code 3 if the run is invalid or unfinished, 2 if it isn't
    as it was sealed.
    """
    folder = RunFolder.open(run)
    if folder.sealed:
        folder.verify()
    else:
        folder.hold()
    with contextlib.ExitStack() as stack:
        progress = Progress("rebuilding", 1.0)
        stack.callback(progress.stop)
        found = rebuild(folder, language=language, formats=formats, watch=progress.at)
    print_reasons(Console(), found)
    print(verdict_line(found))
    print(folder.path / "report.html")
    return 0 if folder.sealed and measured(found) else COULD_NOT_MEASURE
