"""`caudal run`: runs an experiment and ends with its verdict; the last line printed is the run's folder."""

import contextlib
import errno
import shlex
from pathlib import Path

import click
from rich.console import Console

from experiments.analysis.summary import measured
from experiments.cli import complete
from experiments.cli.duration import SECONDS
from experiments.cli.figures import figure_options
from experiments.cli.interrupted import full, interrupted
from experiments.cli.main import COULD_NOT_MEASURE, nothing_to_interrupt
from experiments.cli.options import OUT, OVERRIDES, RedisUrl, command_line
from experiments.cli.peers import peers
from experiments.cli.plan import warn
from experiments.cli.screen import LiveScreen, QuietScreen, wide_console
from experiments.cli.verdict import print_end
from experiments.design.config import load
from experiments.running import run as runner


@click.command()
@click.argument("config", shell_complete=complete.configs)
@OVERRIDES
@OUT
@click.option(
    "--redis", "redis_url", metavar="URL", type=RedisUrl(), envvar="CAUDAL_REDIS", show_envvar=True,
    help="Use this running, empty Redis instead of the embedded server; with --attach, the running system's.",
)  # fmt: skip
@click.option("--attach", metavar="HOST:PORT", help="Measure the system that runs already and takes messages there.")
@click.option("--resume", is_flag=True, help="Go on with the last interrupted run of this experiment.")
@click.option(
    "--budget", "budget_s", type=SECONDS, metavar="TIME", help="End at a block's end after this time, e.g. 20m."
)
@figure_options
@click.option("--quiet", is_flag=True, help="Print the run's folder and nothing else.")
def run(
    config: str,
    overrides: tuple[str, ...],
    out: Path,
    redis_url: str | None,
    attach: str | None,
    resume: bool,
    budget_s: float | None,
    language: str,
    formats: tuple[str, ...],
    quiet: bool,
) -> int:
    """Run the experiment CONFIG: a TOML file, or the name of one in experiments/configs.

    \b
    Examples:
      caudal run quickstart
      caudal run batching --set trial.measure_s=20 --budget 20m
      caudal run cores --resume
      caudal run agents.toml --attach 127.0.0.1:24224 --redis URL

    Ends with VALID or INVALID. Exit code 0 if every trial is valid, 3 if one isn't, 2 for an error in the config, 130 if
    interrupted: what is done is kept then, and --resume goes on.
    """
    if config == "peers":  # no trials of our system, so it has a command of its own
        return int(click.get_current_context().invoke(peers))
    if redis_url is not None:
        overrides = (*overrides, f'deploy.redis_url="{redis_url}"')
    if attach is not None:
        overrides = (*overrides, 'deploy.kind="attach"', f'deploy.listen="{attach}"')
    experiment = load(config, overrides)
    notes = Console(stderr=True)
    screen = QuietScreen() if quiet else LiveScreen(notes, first=lambda: warn(experiment, notes))
    words = command_line("run", config, overrides, out)
    try:
        with contextlib.closing(screen):
            folder, found = runner.run(
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
        return interrupted(out / experiment.name, words)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return full(out, experiment.name, words)
    if not quiet:
        print_end(wide_console(), found, folder.path)
    print(folder.path)
    return 0 if measured(found) else COULD_NOT_MEASURE
