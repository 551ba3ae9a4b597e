"""`caudal gateway`: one gateway process, for other machines and containers."""

import os
import sys

import click

from experiments.cli.system_options import SYSTEM_OPTIONS, Address, process_settings
from system.settings import to_environment


@click.command()
@click.option("--listen", type=Address(), default="127.0.0.1:24224", show_default=True, help="Where agents connect.")
@click.option("--syslog", type=Address(), help="Take lines over TCP here too, without acknowledgement.")
@SYSTEM_OPTIONS
def gateway(
    listen: tuple[str, int], syslog: tuple[str, int] | None, redis: str, profile: str, settings: tuple[str, ...]
) -> None:
    """Run one gateway in the foreground: Forward protocol in, batches into the Redis at URL.

    Prints `ready HOST:PORT` when it takes connections, with --syslog then `syslog HOST:PORT`; SIGTERM and Ctrl-C
    let what is under way finish.
    """
    environment = {**os.environ, **to_environment(process_settings(redis, profile, settings))}
    words = [sys.executable, "-m", "system.gateway", f"{listen[0]}:{listen[1]}"]
    if syslog is not None:
        words.append(f"{syslog[0]}:{syslog[1]}")
    os.execve(sys.executable, words, environment)
