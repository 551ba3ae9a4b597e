"""`caudal capacity`: the highest load at which a config's objectives hold; the last line printed is the run's folder."""

import contextlib
import shlex
from pathlib import Path

import click
from rich.console import Console

from experiments.cli import complete
from experiments.cli.duration import SECONDS
from experiments.cli.figures import figure_options
from experiments.cli.interrupted import interrupted
from experiments.cli.main import COULD_NOT_MEASURE, nothing_to_interrupt
from experiments.cli.options import OUT, OVERRIDES, command_line
from experiments.cli.probe_screen import ProbeScreen, QuietProbeScreen, probe_line
from experiments.design.config import load
from experiments.running import capacity as searcher


@click.command()
@click.argument("config", shell_complete=complete.configs)
@OVERRIDES
@OUT
@click.option("--resume", is_flag=True, help="Go on with the last interrupted search of this experiment.")
@click.option(
    "--budget", "budget_s", type=SECONDS, metavar="TIME", help="End before the probe that would pass this time."
)
@figure_options
@click.option("--quiet", is_flag=True, help="Print the run's folder and nothing else.")
def capacity(
    config: str,
    overrides: tuple[str, ...],
    out: Path,
    resume: bool,
    budget_s: float | None,
    language: str,
    formats: tuple[str, ...],
    quiet: bool,
) -> int:
    """Search the highest load at which the objectives of CONFIG hold, nothing is lost and no queue keeps growing.

    \b
    Examples:
      caudal capacity agents.toml --set objectives.p99_response_s=0.5
      caudal capacity agents.toml --budget 10m

    Each probe is a fresh trial with the config's arrivals scaled; near the edge probes are repeated. Exit code 0 if the
    edge lies between two loads that were judged, 3 if it doesn't, 2 for an error in the config, 130 if interrupted: what is
    done is kept then, and --resume goes on.
    """
    experiment = load(config, overrides)
    screen = QuietProbeScreen() if quiet else ProbeScreen(Console(stderr=True))
    words = command_line("capacity", config, overrides, out)
    try:
        with contextlib.closing(screen):
            folder, found = searcher.capacity(
                experiment,
                out,
                command=shlex.join(words),
                screen=screen,
                resume=resume,
                budget_s=budget_s,
                language=language,
                formats=formats,
            )
            nothing_to_interrupt()
    except KeyboardInterrupt:
        return interrupted(out / f"{experiment.name}-capacity", words)
    assert found.capacity is not None
    if not quiet:
        for probe in sorted(found.capacity.probes, key=lambda one: (one.load_records_per_s, one.trial)):
            print(probe_line(probe))
        print(f"CAPACITY {found.capacity.says}")
        print(f"report: {folder.path / 'report.html'}")
    print(folder.path)
    return 0 if found.capacity.measured else COULD_NOT_MEASURE
