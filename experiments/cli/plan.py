"""`caudal plan`: what an experiment would do; runs nothing."""

import click
from rich.console import Console
from rich.table import Table

from experiments.cli import complete
from experiments.cli.screen import cell_text
from experiments.design import plan as planning
from experiments.design.config import load


@click.command()
@click.argument("config", shell_complete=complete.configs)
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=complete.keys,
    help="Override a key. Repeatable.",
)
def plan(config: str, overrides: tuple[str, ...]) -> None:
    """Show the cells, trials and expected minutes of the experiment CONFIG.

    \b
    Example:
      caudal plan batching --set experiment.replicates=10
    """
    experiment = load(config, overrides)
    planned = planning.plan(experiment)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{experiment.name}: {experiment.question}", style="bold")
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("cell", "levels"):
        table.add_column(name)
    table.add_column("s a trial", justify="right")
    for cell, settings in zip(experiment.cells, experiment.configs, strict=True):
        one = planning.Trial(index=0, block=0, cell=cell, replicate=0, seed=0, config=settings)
        table.add_row(str(cell.index), cell_text(cell.levels), f"{one.expected_s:.0f}")
    console.print(table)
    least, most = experiment.replication.least, experiment.replication.most
    replicates = f"{least}" if least == most else f"{least} to {most}"
    console.print(f"{len(planned.cells)} cells x {replicates} replicates = {len(planned.trials)} trials at most")
    console.print(f"about {planned.least_expected_s / 60:.1f} to {planned.expected_s / 60:.1f} minutes"
                  if least != most else f"about {planned.expected_s / 60:.1f} minutes")  # fmt: skip
    console.print("order: blocks of one replicate of every cell, randomised within a block; seeds shared across cells")
