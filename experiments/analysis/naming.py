"""What a cell is called wherever it is shown: its label where it has one, else its levels by their factors' last names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: The factor that names a cell: a walk's steps vary many keys at once.
LABEL: Final = "trial.label"


def cell_name(levels: Mapping[str, Any], *, equals: str = " ", between: str = ", ") -> str:
    """`batch_size 10, engine re`; the label of a cell that has one; `the only cell` where nothing is varied."""
    if levels.get(LABEL):
        return str(levels[LABEL])
    said = between.join(f"{name.rpartition('.')[2]}{equals}{level}" for name, level in levels.items())
    return said or "the only cell"


def columns(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """The factors to show in a table of these cells' levels: the label alone, if each has one, else all."""
    if not cells:
        return []
    return [LABEL] if all(levels.get(LABEL) for levels in cells) else list(cells[0])
