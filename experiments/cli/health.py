"""`caudal health`: whether a part of a running system does its work: what the containers' healthchecks call."""

from importlib import import_module
from typing import Literal

import click

from experiments.cli.main import COULD_NOT_MEASURE
from experiments.cli.options import NODE, REDIS, Address, FiniteRange
from system.health import UnhealthyError


@click.command()
@click.argument("part", type=click.Choice(["redis", "gateway", "worker"]))
@click.option("--to", "address", type=Address(), default="127.0.0.1:24224", show_default=True, help="The gateway.")
@REDIS
@NODE
@click.option("--within", "within_s", type=FiniteRange(min=0, min_open=True), default=8.0, show_default=True,
              metavar="S", help="Seconds that the answer may take.")  # fmt: skip
def health(
    part: Literal["redis", "gateway", "worker"], address: tuple[str, int], redis: str, node: int, within_s: float
) -> int:
    """Ask one PART of a running system to do a little of its work: redis, gateway or worker.

    redis answers a command; the gateway acknowledges an empty message; worker --node N of this host takes a task.
    Exit code 0 if it does, 3 if it doesn't.

    \b
    Examples:
      caudal health gateway --to 127.0.0.1:24224
      caudal health worker --node 0 --redis redis://:PASSWORD@127.0.0.1:6379/0
    """
    try:
        check = getattr(import_module(f"system.health.{part}"), f"check_{part}")  # the others' imports cost a second
        asked = {"redis": (redis,), "gateway": address, "worker": (redis, node)}[part]
        check(*asked, within_s)
    except UnhealthyError as error:
        print(f"unhealthy: {error}")
        return COULD_NOT_MEASURE
    print("healthy")
    return 0
