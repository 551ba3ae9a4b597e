"""`caudal worker`: one Celery worker node, for other machines and containers."""

import os

import click
import msgspec

from experiments.cli.options import NODE
from experiments.cli.progress import waiting
from experiments.cli.system_options import become, process_settings, system_options
from experiments.running.rules import check_rules


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(min=1), default=None, help="Prefork children.  [default: one a core]"
)
@NODE
@system_options
def worker(concurrency: int | None, node: int, redis: str, profile: str, settings: tuple[str, ...]) -> None:
    """Run one worker node in the foreground: batches out of the Redis at URL, result rows back.

    Prints `ready nodeN` when it takes tasks; SIGTERM lets running tasks finish.
    """
    process = msgspec.structs.replace(
        process_settings(redis, profile, settings), node=node, concurrency=concurrency or os.cpu_count() or 1
    )
    check_rules([process.system], waiting)
    become("system.worker", process=process)
