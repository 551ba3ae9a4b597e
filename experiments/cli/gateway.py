"""`caudal gateway`: one gateway process, for other machines and containers."""

import click

from experiments.cli.system_options import Address, become, process_settings, system_options


@click.command()
@click.option("--listen", type=Address(), default="127.0.0.1:24224", show_default=True, help="Where agents connect.")
@system_options
def gateway(listen: tuple[str, int], redis: str, profile: str, settings: tuple[str, ...]) -> None:
    """Run one gateway in the foreground: Forward protocol in, batches into the Redis at URL.

    Prints `ready HOST:PORT` when it takes connections; SIGTERM and Ctrl-C let what is under way finish.
    """
    become("system.gateway", f"{listen[0]}:{listen[1]}", process=process_settings(redis, profile, settings))
