"""What a plot is: a table that is made of a source, mostly a run's findings, and a plain function of that table and axes.

The table is what the figure's CSV holds, and all that is drawn. An empty table: the source has nothing for this plot.
"""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from experiments.plots.words import Words

#: One row of a table: by column, whose name ends with its unit.
Row = dict[str, Any]
Table = list[Row]

#: matplotlib's, which has no types.
Axes = Any


class Layout(NamedTuple):
    """The size of a figure in inches, and its panels."""

    width_in: float
    height_in: float
    rows: int = 1
    columns: int = 1


Source = TypeVar("Source")


class Plot(NamedTuple, Generic[Source]):
    """One kind of figure, by its file's name."""

    name: str
    table: Callable[[Source], Table]
    layout: Callable[[Table], Layout]
    draw: Callable[[Table, Sequence[Axes], Words], None]


def as_csv(table: Table) -> str:
    """The table with a line of column names; a value that is missing is an empty cell."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in table for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def groups(table: Table, *names: str) -> dict[tuple[Any, ...], Table]:
    """The rows by the values of some columns, in the order of their first row."""
    found: dict[tuple[Any, ...], Table] = {}
    for row in table:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found
