"""`caudal sink`: acknowledges every batch and does nothing else, to see what senders can do by themselves."""

import os
import sys

import click

from experiments.cli.options import Address


@click.command()
@click.option("--listen", type=Address(), default="127.0.0.1:24224", show_default=True, help="Where agents connect.")
def sink(listen: tuple[str, int]) -> None:
    """Run a Forward server that acknowledges and does nothing else, in the foreground.

    Prints `ready HOST:PORT`, and at its end (SIGTERM, Ctrl-C) one JSON line of what it took.

    \b
    Example, in two terminals:
      caudal sink --listen 127.0.0.1:24225
      caudal agent --file access.log --to 127.0.0.1:24225
    """
    host, port = listen
    os.execv(sys.executable, [sys.executable, "-m", "loadgen.sink", f"{host}:{port}"])
