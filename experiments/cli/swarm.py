"""`caudal swarm`: one swarm process alone, for other machines: plays a load against a gateway that runs already."""

import os
import sys
from pathlib import Path

import click


@click.command()
@click.argument("spec", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def swarm(spec: Path) -> None:
    """Play the load that SPEC (swarm-0.json, as a trial's logs keep it) describes.

    Says `ready` when all agents are connected, and waits on standard input for `go MONOTONIC_NS`, later `stop`.
    """
    os.execv(sys.executable, [sys.executable, "-m", "loadgen.swarm", str(spec)])
