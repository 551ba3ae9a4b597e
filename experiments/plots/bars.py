"""Stacked bars, a line a cell: what the split by stage and the cost by part have in common."""

from collections.abc import Mapping

from experiments.plots.plot import Axes, Row, Table, groups
from experiments.plots.style import VERMILION, fill
from experiments.plots.words import Words


def stack(axes: Axes, bars: Mapping[str, Mapping[str, float]], names: list[str], say: Words) -> None:
    """Draws each bar's parts one after the other, in the order of `names`; the first bar on top."""
    for number, name in enumerate(names):
        begins = [sum(bar.get(before, 0.0) for before in names[:number]) for bar in bars.values()]
        axes.barh(range(len(bars)), [bar.get(name, 0.0) for bar in bars.values()], left=begins, height=0.42,
                  label=say(name), **fill(number))  # fmt: skip
    axes.set_ylim(len(bars) - 0.45, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


def title_bars(axes: Axes, table: Table, say: Words) -> None:
    """Each cell's name, n and invalid trials above its bar, over the whole width: long names leave no room beside it."""
    for place, ((cell,), rows) in enumerate(groups(table, "cell").items()):
        said = axes.text(
            0.0, place - 0.24, f"{cell or say('only_cell')}  ({say('n', n=trials(rows))}){mark(rows[0], say)}",
            transform=axes.get_yaxis_transform(), fontsize=8, va="bottom",
            color="black" if rows[0]["valid"] else VERMILION,
        )  # fmt: skip
        said.set_in_layout(False)


def trials(rows: Table) -> int:
    """Over how many trials a bar is: the least of its parts."""
    return min(int(row["n"]) for row in rows)


def mark(row: Row, say: Words) -> str:
    """What is said of a cell with invalid trials; nothing of one without."""
    if not row["valid"]:
        return f"  {say('invalid')}"
    return f"  {say('some_invalid', count=row['invalid_trials'])}" if row["invalid_trials"] else ""
