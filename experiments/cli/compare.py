"""`caudal compare`: two sealed runs cell by cell, or why they can't be compared."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from experiments.analysis.compare import OVERRIDABLE, Comparison
from experiments.analysis.compare import compare as compared
from experiments.cli.main import COULD_NOT_MEASURE
from experiments.cli.screen import cell_text, wide_console
from experiments.store.run import RunFolder


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option(
    "--despite", type=click.Choice(OVERRIDABLE), multiple=True,
    help="Compare although the machines or schedules differ, or trials are invalid (these don't enter). Repeatable.",
)  # fmt: skip
def compare(first: Path, second: Path, despite: tuple[str, ...]) -> int:
    """Compare the runs FIRST and SECOND (folders that `caudal run` printed), cell by cell: second by first.

    Exit code 0 if they were compared, whatever came out, 3 if they can't be, 2 if one isn't a run.
    """
    found = compared(RunFolder.open_sealed(first), RunFolder.open_sealed(second), despite)
    print_comparison(wide_console(), found)
    return COULD_NOT_MEASURE if found.refusals else 0


def print_comparison(console: Console, found: Comparison) -> None:
    """Prints refusals, or the ratios of all cells; what was overridden and what differs beside them."""
    for one in found.refusals:
        hint = f" (--despite {one.kind} compares all the same)" if one.kind in OVERRIDABLE else ""
        console.print(f"can't be compared: {one.sentence}{hint}", highlight=False, soft_wrap=True)
    for mark in found.marks:
        console.print(f"COMPARED ALTHOUGH {mark}", style="bold red", highlight=False, soft_wrap=True)
    for difference in found.differences:
        console.print(f"differs: {difference}", highlight=False, soft_wrap=True)
    if found.refusals:
        return
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for name in ("cell", "records/s, second by first", "p99 response, second by first", "differs", "how"):
        table.add_column(name)
    for cell in found.cells:
        rate = cell.carried_records_per_s
        verdict = {None: "no interval", True: "yes", False: "not shown"}[rate.differs]
        table.add_row(cell_text(cell.cell), str(rate), str(cell.p99_response_s), verdict, rate.method)
    console.print(table)
    told = [cell for cell in found.cells if cell.carried_records_per_s.differs is not None]
    console.print(
        f"{len(found.differing)} of {len(told)} cells differ in what they carry"
        " (5 % chance of a false one over all cells together)"
        if told
        else "no cell could be judged: an interval takes more valid trials of each",
        highlight=False,
    )
