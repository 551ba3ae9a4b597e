"""`caudal doctor`: what on this machine would spoil a measurement, and what is missing (experiments/machine/doctor.py)."""

from itertools import chain
from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from experiments.cli.main import COULD_NOT_MEASURE
from experiments.machine import inventory
from experiments.machine.doctor import CHECKS, Level
from experiments.machine.generator import generator

STYLES: Final[dict[Level, str]] = {"good": "green", "mind": "yellow", "stop": "bold red"}


@click.command()
def doctor() -> int:
    """Look for what would spoil a measurement on this machine, and say how to mend it. Changes nothing.

    Takes some ten seconds: it watches what else runs, and lets the load generator run against a sink. Exit code 0, or 3 if
    nothing can be measured here.
    """
    console = Console(highlight=False, soft_wrap=True)
    progress = Console(stderr=True, highlight=False)
    described = inventory.describe()
    console.print(f"{described['cpu_model']}, {described['kernel']}, Python {described['python']}", style="bold")
    worst = 0
    with progress.status("looking") as status:
        findings = chain(*(check() for check in CHECKS), generator(status.update))
        for finding in findings:
            style = STYLES[finding.level]
            console.print(f"[{style}]{finding.level}[/{style}]   {escape(finding.text)}")
            worst = max(worst, COULD_NOT_MEASURE if finding.level == "stop" else 0)
    return worst
