"""`caudal gateway`: one gateway process, for other machines and containers."""

import click

from experiments.cli.options import Address
from experiments.cli.system_options import become, process_settings, system_options


@click.command()
@click.option("--listen", type=Address(), default="127.0.0.1:24224", show_default=True, help="Where agents connect.")
@click.option("--syslog", type=Address(), help="Take lines over TCP here too, without acknowledgement.")
@system_options
def gateway(
    listen: tuple[str, int], syslog: tuple[str, int] | None, redis: str, profile: str, settings: tuple[str, ...]
) -> None:
    """Run one gateway in the foreground: Forward protocol in, batches into the Redis at URL.

    Prints `ready HOST:PORT` when it takes connections, with --syslog then `syslog HOST:PORT`; SIGTERM and Ctrl-C
    let what is under way finish.
    """
    words = [f"{host}:{port}" for host, port in ([listen] if syslog is None else [listen, syslog])]
    become("system.gateway", *words, process=process_settings(redis, profile, settings))
