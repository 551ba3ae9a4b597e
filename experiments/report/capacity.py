"""The report's part about a capacity search: the answer, and every probe by load."""

import html
from collections.abc import Iterator

from experiments.analysis.capacity import Capacity
from experiments.report.table import table


def capacity_section(found: Capacity | None) -> Iterator[str]:
    """The section without its heading; nothing where the run is no search."""
    if found is None:
        return
    ordered = sorted(found.probes, key=lambda one: (one.load_records_per_s, one.trial))
    yield f"<p>{html.escape(found.says[:1].upper() + found.says[1:])}.</p>"
    yield (
        "<p>Each probe is a trial of its own. Near the edge a single one proves little: a load counts as held, or not, when"
        " one kind of verdict leads by three.</p>"
    )
    rows = [[f"{one.load_records_per_s:,.0f}", one.trial, one.word, one.why] for one in ordered]
    yield table(["load, records/s", "trial", "verdict", "why"], rows)
