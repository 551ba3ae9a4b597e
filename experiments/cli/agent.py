"""`caudal agent`: the real telemetry agent: ships a file's lines, or standard input."""

import asyncio
import contextlib
import os
import signal

import click
import msgspec

from experiments.cli.options import Address
from system.agent.agent import Shipped, ship
from system.agent.source import open_file, standard_input


@click.command()
@click.option(
    "--file", "path", default="-", show_default=True, metavar="PATH", help="What to ship; - is standard input."
)
@click.option("--follow", is_flag=True, help="Go on as the file grows, until interrupted.")
@click.option("--to", "address", type=Address(), required=True, help="The gateway.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=100, show_default=True, help="Flush at this many records."
)
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), default=0.5, show_default=True,
              help="Flush this many seconds after the first record.")  # fmt: skip
@click.option("--pause", "pause_s", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Seconds to wait after each send.")  # fmt: skip
@click.option("--tag", default="caudal", show_default=True, help="The stream's name.")
@click.option(
    "--number", type=click.IntRange(min=0, max=2**32 - 2), default=None, help="This agent's number.  [default: its pid]"
)
def agent(
    path: str, follow: bool, address: tuple[str, int], batch_size: int, timeout_s: float, pause_s: float, tag: str,
    number: int | None,
) -> None:  # fmt: skip
    """Ship log lines to a gateway: buffered, flushed at BATCH_SIZE records or TIMEOUT, acknowledged, sent again if not.

    \b
    Examples:
      caudal agent --file /var/log/auth.log --follow --to 127.0.0.1:24224
      journalctl -f | caudal agent --to gateway:24224 --batch-size 500

    Ends when everything was acknowledged, and prints one JSON line of what it shipped.
    """
    stopped = asyncio.Event()

    async def until_done() -> Shipped:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, stopped.set)
        with contextlib.closing(standard_input() if path == "-" else open_file(path, follow=follow)) as source:
            return await ship(
                source,
                *address,
                batch_size=batch_size,
                timeout_s=timeout_s,
                pause_s=pause_s,
                tag=tag,
                agent=os.getpid() if number is None else number,
                stop=stopped,
            )

    print(msgspec.json.encode(asyncio.run(until_done())).decode())
