"""`caudal sweeper`: the sweeper alone, for other machines and containers."""

import os
import sys

import click

from experiments.cli.system_options import SYSTEM_OPTIONS, process_settings
from system.settings import to_environment


@click.command()
@SYSTEM_OPTIONS
def sweeper(redis: str, profile: str, settings: tuple[str, ...]) -> None:
    """Run the sweeper in the foreground: queues again what is in the journal and in nobody's hands.

    One a deployment; more do no harm. SIGTERM and Ctrl-C end it.
    """
    environment = {**os.environ, **to_environment(process_settings(redis, profile, settings))}
    os.execve(sys.executable, [sys.executable, "-m", "system.sweeper"], environment)
