"""A walk's steps in report.html: what each change gains, over the step before and over the first."""

from collections.abc import Iterator, Sequence
from typing import Final

from experiments.analysis.steps import Step
from experiments.analysis.summary import CellSummary
from experiments.report.table import table
from experiments.stats.ratio import Ratio

_NOTE: Final = (
    "<p>Throughput as a multiple, paired by block: geometric mean and 95 % t interval of the log ratios. A step whose"
    " interval holds 1 may have gained nothing. What a change gains depends on those before it.</p>"
)


def steps_section(found: Sequence[Step], cells: Sequence[CellSummary]) -> Iterator[str]:
    """The section without its heading; nothing where the cells are no steps."""
    if not found:
        return
    rates = [(cell.cell, cell.carried_records_per_s) for cell in cells]
    yield _NOTE
    yield table(
        ["step", "carried records/s", "times the step before", "times the first"],
        (
            [one.name, *(str(rate) for levels, rate in rates if levels == one.cell), *gains(one)]
            for one in found
            if any(levels == one.cell for levels, _ in rates)
        ),
    )


def gains(one: Step) -> tuple[str, str]:
    """A step's two gains as people read them."""
    return _gain(one.gain), _gain(one.gain_since_first)


def _gain(one: Ratio | None) -> str:
    if one is None:
        return "–"
    if one.value is None:
        return f"– ({one.method})"
    if one.low is None or one.high is None:
        return f"{one.value:.2f} (n = {one.n_first}, no interval)"
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"
