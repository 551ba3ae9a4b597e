"""Batching in report.html: for every cell what the theory says and, under it, what was measured."""

import html
from collections.abc import Iterator, Sequence
from typing import Final

from experiments.analysis.naming import cell_name
from experiments.analysis.summary import CellSummary
from experiments.report.table import table
from experiments.stats.estimate import Estimate

#: Columns: the figure's name, the title, by what to multiply, and its decimals.
_FIGURES: Final[tuple[tuple[str, str, float, int], ...]] = (
    ("by_size_ratio", "by size, %", 100.0, 2),
    ("by_timeout_ratio", "by timeout, %", 100.0, 2),
    ("by_close_ratio", "by close, %", 100.0, 2),
    ("records_per_batch", "records a batch", 1.0, 2),
    ("batch_wait_mean_s", "batch wait, mean, ms", 1e3, 3),
    ("batch_wait_p50_s", "median, ms", 1e3, 3),
    ("batch_wait_p99_s", "99th percentile, ms", 1e3, 3),
)

_NOTE: Final = (
    "<p>How the batches that open in the window end (BATCH_SIZE, TIMEOUT, or the load's end), and what those hold that end"
    " undisturbed. Predicted from the config alone; measured from what the swarm cut, with a 95 % interval from five trials"
    " on. The share by close is exact where batches are many: up to one an agent depends on where its last one began. Under"
    " full load batches are cut whole and nothing waits in the agent.</p>"
)


def batching_section(cells: Sequence[CellSummary]) -> Iterator[str]:
    """The section without its heading."""
    yield _NOTE
    rows: list[list[object]] = []
    methods: dict[str, None] = {}
    for cell in cells:
        expected, found = cell.batching.predicted, cell.batching.measured
        said = (_number(getattr(expected, key, None), scale, decimals) for key, _, scale, decimals in _FIGURES)
        seen = (_estimate(getattr(found, key), scale, decimals) for key, _, scale, decimals in _FIGURES)
        rows += [[cell_name(cell.cell), "predicted", *said], ["", "measured", *seen]]
        if expected is not None:
            methods[expected.method] = None
    yield table(["cell", "", *(title for _, title, *_ in _FIGURES)], rows)
    yield f"<p>Predicted: {html.escape('; '.join(methods) or 'nothing')}.</p>"


def _number(value: float | None, scale: float, decimals: int) -> str | None:
    return None if value is None else f"{value * scale:,.{decimals}f}"


def _estimate(one: Estimate, scale: float, decimals: int) -> str | None:
    value = _number(one.value, scale, decimals)
    if value is None or one.low is None or one.high is None:
        return value
    return f"{value} [{_number(one.low, scale, decimals)}, {_number(one.high, scale, decimals)}]"
