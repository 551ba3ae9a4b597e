"""Stacked bars, a line a cell, in units and as shares: what the split by stage and the cost by part have in common."""

from collections.abc import Mapping, Sequence

from experiments.plots.plot import Axes, Layout, Table, groups
from experiments.plots.rows import marked
from experiments.plots.style import VERMILION, fill, plain_numbers
from experiments.plots.words import Words

#: By cell, then by part.
Bars = Mapping[str, Mapping[str, float]]


def layout(table: Table) -> Layout:
    """Two panels over all cells."""
    return Layout(9.0, 1.4 + 0.5 * len(groups(table, "cell")), 1, 2)


def split(
    table: Table,
    panels: Sequence[Axes],
    say: Words,
    parts: Sequence[str],
    total: str,
    scale: float,
    labels: tuple[str, str],
) -> None:
    """Left the parts, one after the other, with the whole's interval; right their shares: a short bar hides its parts.

    Args:
        table: of `rows.a_cell`.
        panels: two.
        say: the language.
        parts: the values of the column `part` that are drawn, in their order; `total`: that of the whole.
        scale: from the table's unit to the axis's.
        labels: of the two axes.
    """
    left, right = panels
    grouped = groups(table, "cell")
    bars = {cell: {row["part"]: row["value"] * scale for row in group} for (cell,), group in grouped.items()}
    names = [name for name in parts if any(name in bar for bar in bars.values())]
    sums = {cell: sum(bar.get(name, 0.0) for name in names) for cell, bar in bars.items()}
    # Means of the parts are geometric, and don't add up to that of the whole: the bar is as long as the whole.
    wholes = {cell: _whole(group, total, scale) or sums[cell] for (cell,), group in grouped.items()}
    bars = {c: {k: v * wholes[c] / sums[c] if sums[c] else v for k, v in bar.items()} for c, bar in bars.items()}
    _stack(left, bars, names, say)
    _stack(
        right, {c: {k: 100.0 * v / wholes[c] for k, v in bar.items() if sums[c]} for c, bar in bars.items()}, names, say
    )
    ends = []
    for place, ((cell,), group) in enumerate(grouped.items()):
        whole = next(row for row in group if row["part"] == total)
        ends.append(max(wholes[cell], (whole["high"] or 0.0) * scale))
        if whole["low"] is not None:
            left.plot([whole["low"] * scale, whole["high"] * scale], [place, place], color="black", linewidth=1.5)
        left.annotate(f" {say.significant(wholes[cell])}", (ends[-1], place), va="center", fontsize=8)
    left.set_xlim(0, 1.15 * max(ends))
    plain_numbers(left.xaxis, say)
    right.set_xlim(0, 100)
    right.set_facecolor("none")  # a long name above a bar of the left panel goes on here
    _title(left, table, say)
    counts = say.trials([row["n"] for row in table])
    for axes, label in zip(panels, labels, strict=True):
        axes.set_xlabel(f"{label}\n{counts}")
    right.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _whole(group: Table, total: str, scale: float) -> float | None:
    value = next(row["value"] for row in group if row["part"] == total)
    return None if value is None else value * scale


def _stack(axes: Axes, bars: Bars, names: list[str], say: Words) -> None:
    """The first bar on top."""
    for number, name in enumerate(names):
        begins = [sum(bar.get(before, 0.0) for before in names[:number]) for bar in bars.values()]
        axes.barh(range(len(bars)), [bar.get(name, 0.0) for bar in bars.values()], left=begins, height=0.42,
                  label=say(name), **fill(number))  # fmt: skip
    axes.set_ylim(len(bars) - 0.45, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


def _title(axes: Axes, table: Table, say: Words) -> None:
    """Each cell's name, n and health above its bar, over the whole width: long names leave no room beside it."""
    for place, ((cell,), rows) in enumerate(groups(table, "cell").items()):
        told = "; ".join([say("n", n=min(int(row["n"]) for row in rows)), *marked(rows[0], say)])
        said = axes.text(
            0.0, place - 0.24, f"{cell or say('only_cell')}  ({told})",
            transform=axes.get_yaxis_transform(), fontsize=8, va="bottom",
            color="black" if rows[0]["valid"] else VERMILION,
        )  # fmt: skip
        said.set_in_layout(False)
