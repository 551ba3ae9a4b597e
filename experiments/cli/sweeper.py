"""`caudal sweeper`: the sweeper alone, for other machines and containers."""

import click

from experiments.cli.system_options import become, process_settings, system_options


@click.command()
@system_options
def sweeper(redis: str, profile: str, settings: tuple[str, ...]) -> None:
    """Run the sweeper in the foreground: queues again what is in the journal and in nobody's hands.

    One a deployment; more do no harm. SIGTERM and Ctrl-C end it.
    """
    become("system.sweeper", process=process_settings(redis, profile, settings))
