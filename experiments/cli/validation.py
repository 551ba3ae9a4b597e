"""`caudal validation`: how often the gate is wrong, by live verdicts of known truth."""

import sys
from pathlib import Path

import click

from experiments.cli import complete
from experiments.cli.duration import SECONDS
from experiments.cli.main import COULD_NOT_MEASURE
from experiments.gate import commits
from experiments.gate.build import SideError
from experiments.validation.plant import PLANTS
from experiments.validation.report import page
from experiments.validation.sitting import sit
from experiments.validation.tally import tallies
from experiments.validation.verdict import read


@click.command()
@click.argument("plant", required=False, metavar="[PLANT]", type=click.Choice(list(PLANTS)))
@click.option("--in", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", show_default=True,
              default=Path("results/published/gate-validation"), help="Where the verdicts are kept.")  # fmt: skip
@click.option("--scenario", default="gate-heavy", show_default=True, metavar="NAME", shell_complete=complete.configs,
              help="The config to play.")  # fmt: skip
@click.option("--budget", "budget_s", type=SECONDS, default="30m", show_default=True, metavar="TIME",
              help="Begin no pair that would pass this time.")  # fmt: skip
def validation(plant: str | None, folder: Path, scenario: str, budget_s: float) -> int:
    """Play one more verdict whose truth is known, and tell what all of them say.

    PLANT is a-a, workers-5, workers-10, gateway-5 or gateway-10. Without it
    nothing is played.

    \b
    Example:
      caudal validation a-a --budget 4m
    """
    if plant is not None:
        repository = commits.top(Path.cwd())
        head = commits.resolve(repository, "HEAD", "HEAD")
        try:
            one = sit(repository, folder, PLANTS[plant], scenario, head, budget_s, _say)
        except SideError as error:
            _say(str(error))
            return COULD_NOT_MEASURE
        found = one.judged()
        _say(f"{plant} {one.number}: {found.verdict or 'unfinished, call again to go on'}, {len(one.pairs)} pairs")
    print(page(tallies(list(read(folder)))), end="")
    return 0


def _say(line: str) -> None:
    print(f"caudal: {line}", file=sys.stderr, flush=True)
