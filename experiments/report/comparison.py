"""Two runs held against each other, as a table: the ratios of every cell, or the sentences for which there are none."""

import html
from collections.abc import Iterator
from typing import Final

from experiments.analysis.compare import Comparison
from experiments.analysis.naming import cell_name
from experiments.report.table import table

_DIFFERS: Final = {None: "no interval", True: "yes", False: "not shown"}


def comparison(found: Comparison) -> Iterator[str]:
    """Refusals, what was overridden, what differs between the runs, and then the cells: second by first."""
    said = [f"can't be compared: {one.sentence}" for one in found.refusals]
    said += [f"compared although {mark}" for mark in found.marks]
    said += [f"differs: {one}" for one in found.differences]
    yield f"<ul>{''.join(f'<li>{html.escape(one)}</li>' for one in said)}</ul>"
    if found.refusals:
        return
    rows = []
    for cell in found.cells:
        rate = cell.carried_records_per_s
        rows.append([cell_name(cell.cell), str(rate), str(cell.p99_response_s), _DIFFERS[rate.differs], rate.method])
    yield table(["cell", "records/s, second by first", "p99 response, second by first", "differs", "how"], rows)
    yield (
        f"<p>{len(found.differing)} of {len(found.cells)} cells differ in what they carry (5 % chance of a false one over"
        " all cells together).</p>"
    )
