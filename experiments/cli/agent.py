"""`caudal agent`: the real telemetry agent: ships a file's lines, or standard input."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from experiments import interrupts
from experiments.cli.main import INTERRUPTED
from experiments.cli.options import Address, FiniteRange
from experiments.cli.progress import Progress
from system.agent.agent import FRAME_BYTES, Shipped, new_epoch, ship
from system.agent.client import Counts
from system.agent.follower import Follower, follow_file
from system.agent.position import Checkpoint, PositionFile, resume
from system.agent.source import Source, open_file, standard_input
from system.agent.tail import ROTATE_WAIT_S

#: How often progress is looked at.
_LOOK_S = 0.2


@click.command()
@click.option("--file", "path", default="-", show_default=True, metavar="PATH",
              help="What to ship: a log file, plain or gzip; - is standard input.")  # fmt: skip
@click.option("--follow", is_flag=True, help="Go on as the file grows, and across its rotation, until interrupted.")
@click.option("--position", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH",
              help="Keep here how far it has come, and go on from there.")  # fmt: skip
@click.option("--to", "address", type=Address(), required=True, help="The gateway.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=100, show_default=True, help="Flush at this many records."
)
@click.option("--timeout", "timeout_s", type=FiniteRange(min=0, min_open=True), default=0.5, show_default=True,
              help="Flush this many seconds after the first record.")  # fmt: skip
@click.option("--pause", "pause_s", type=FiniteRange(min=0), default=0.0, show_default=True,
              help="Seconds to wait after each send.")  # fmt: skip
@click.option("--frame-bytes", type=click.IntRange(min=1), default=FRAME_BYTES, show_default=True,
              help="Most bytes of records in a message: the gateway's limits.frame_bytes, or less.")  # fmt: skip
@click.option("--rotate-wait", "rotate_wait_s", type=FiniteRange(min=0), default=ROTATE_WAIT_S, show_default=True,
              help="With --follow: begin the new file when the rotated one was left alone for so many seconds.")  # fmt: skip
@click.option("--tag", default="caudal", show_default=True, help="The stream's name.")
@click.option(
    "--number", type=click.IntRange(min=0, max=2**32 - 2), default=None, help="This agent's number.  [default: its pid]"
)
def agent(
    path: str, follow: bool, position: Path | None, address: tuple[str, int], batch_size: int, timeout_s: float,
    pause_s: float, frame_bytes: int, rotate_wait_s: float, tag: str, number: int | None,
) -> int:  # fmt: skip
    """Ship log lines to a gateway: buffered, flushed at BATCH_SIZE records or TIMEOUT, acknowledged, sent again if not.

    \b
    Examples:
      a whole file, or a rotated one
        caudal agent --file auth.log --to 127.0.0.1:24224
        caudal agent --file auth.log.2.gz --to 127.0.0.1:24224
      a log as it grows and is rotated; stopped or killed, it goes on where it was
        caudal agent --file auth.log --follow --position p --to gateway:24224
      what was added since the last time, from cron
        caudal agent --file auth.log --position p --to gateway:24224
      any program's output
        journalctl -f | caudal agent --to gateway:24224 --batch-size 500

    Ends when everything was acknowledged (with --follow: never), and prints one JSON line of what it shipped.
    Ctrl-C or SIGTERM: what was taken is still delivered if the gateway answers within 5 s; a second one ends at once.
    If lines are left then, it says how many, and exits with 130.
    """
    if path == "-" and (follow or position is not None):
        raise click.UsageError("--follow and --position need --file: standard input is read until it ends")
    stopped, abandoned = asyncio.Event(), asyncio.Event()

    def interrupt(signum: int) -> None:
        interrupts.heard(signum)
        (abandoned if stopped.is_set() else stopped).set()

    async def until_done(source: Source | Follower, checkpoint: Checkpoint | None) -> Shipped:
        loop = asyncio.get_running_loop()
        for signum in interrupts.numbers():
            loop.add_signal_handler(signum, interrupt, signum)
        counts = Counts()
        shipping = ship(
            source,
            *address,
            batch_size=batch_size,
            timeout_s=timeout_s,
            pause_s=pause_s,
            tag=tag,
            agent=os.getpid() if number is None else number,
            checkpoint=checkpoint,
            stop=stopped,
            abandon=abandoned,
            frame_bytes=frame_bytes,
            counts=counts,
        )
        if follow or path == "-":
            return await shipping  # there is no end to come nearer to
        return await _shown(path, source, counts, shipping)

    with contextlib.ExitStack() as stack:
        source, checkpoint = stack.enter_context(_opened(path, follow, position, tag, number, rotate_wait_s))
        shipped = asyncio.run(until_done(source, checkpoint))
        is_whole = source.ended
    print(msgspec.json.encode(shipped).decode(), flush=True)
    if not stopped.is_set() or (not shipped.undelivered and (is_whole or follow or path == "-")):
        return 0
    left = f"{shipped.undelivered:,} lines that were read are not delivered"
    rest = "" if is_whole or follow or path == "-" else f"; {path} was not read to its end"
    again = (
        "; --position PATH would let it go on where it was"
        if position is None
        else f"; start it again to go on ({position})"
    )
    print(f"caudal: interrupted: {left}{rest}{again}", file=sys.stderr)
    return INTERRUPTED


@contextlib.contextmanager
def _opened(
    path: str, follow: bool, position: Path | None, tag: str, number: int | None, rotate_wait_s: float
) -> Iterator[tuple[Source | Follower, Checkpoint | None]]:
    """The source, and what keeps its position. Raises: SourceError."""
    if path == "-":
        with contextlib.closing(standard_input()) as piped:
            yield piped, None
    elif position is not None:
        with contextlib.closing(PositionFile(position)) as kept:
            base = resume(
                kept, Path(os.path.abspath(path)), tag=tag, agent=number, epoch=new_epoch(time.time_ns(), os.getpid())
            )
            placed = follow_file(path, follow=follow, place=base.place, rotate_wait_s=rotate_wait_s)
            with contextlib.closing(placed):
                yield placed, Checkpoint(kept, base, placed)
    else:
        plain = follow_file(path, rotate_wait_s=rotate_wait_s) if follow else open_file(path)
        with contextlib.closing(plain):
            yield plain, None


async def _shown(
    path: str, source: Source | Follower, counts: Counts, shipping: Coroutine[Any, Any, Shipped]
) -> Shipped:
    """Ships with progress."""
    progress = Progress(f"shipping {path}", os.stat(path).st_size)
    task = asyncio.ensure_future(shipping)
    try:
        while not (await asyncio.wait((task,), timeout=_LOOK_S))[0]:
            progress.at(source.read_bytes, f"{counts.records:,} lines acknowledged")
        return task.result()
    finally:
        progress.stop()
