"""`caudal doctor`: what on this machine would spoil a measurement, and what is missing (experiments/doctor.py)."""

from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from experiments import machine
from experiments.cli.main import COULD_NOT_MEASURE
from experiments.doctor import CHECKS, Level

STYLES: Final[dict[Level, str]] = {"good": "green", "mind": "yellow", "stop": "bold red"}


@click.command()
def doctor() -> int:
    """Look for what would spoil a measurement on this machine, and say how to mend it. Changes nothing.

    Takes a few seconds, for it watches what else runs. Exit code 0, or 3 if nothing can be measured here.
    """
    console = Console(highlight=False, soft_wrap=True)
    described = machine.describe()
    console.print(f"{described['cpu_model']}, {described['kernel']}, Python {described['python']}", style="bold")
    worst = 0
    for check in CHECKS:
        for finding in check():
            style = STYLES[finding.level]
            console.print(f"[{style}]{finding.level}[/{style}]   {escape(finding.text)}")
            worst = max(worst, COULD_NOT_MEASURE if finding.level == "stop" else 0)
    return worst
