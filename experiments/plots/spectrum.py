"""The response time's whole percentile spectrum: each step to the right is a tenth of the records that are left.

A line a cell, its points geometric means over the valid trials. A panel holds the cells that share the first factor's
level, where one panel would hold too many lines.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.analysis.naming import LABEL
from experiments.plots import rows
from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import VERMILION, line, same_heights, wrapped
from experiments.plots.words import Words

#: Most lines that one panel can show apart.
MOST_LINES = 6


def table(found: Findings) -> Table:
    """A row a cell and share, over its valid trials; a cell without one is estimated over the invalid ones and says so."""
    cells = [cell.cell for cell in found.summary.cells]
    varied = rows.factors(cells)
    split = varied[0] if len(cells) > MOST_LINES and varied and LABEL not in varied else None
    made = []
    for cell in found.summary.cells:
        beside = [one for one in cells if split is None or one[split] == cell.cell[split]]
        told = rows.factors(beside) or varied
        mine = [t for t in found.summary.trials if t.cell == cell.cell and t.index in found.curves]
        valid = [trial for trial in mine if trial.counts]
        curves = [found.curves[trial.index] for trial in valid or mine]
        # A share that only some of the trials bear would be an average over the lucky ones.
        shares = sorted(set.intersection(*(set(one.spectrum) for one in curves))) if curves else []
        made += [
            {
                **rows.head(cell.cell),
                "panel": "" if split is None else rows.label({split: cell.cell[split]}),
                "line": rows.label(
                    {name: level for name, level in cell.cell.items() if name in told and name != split}
                ),
                "share_ratio": share,
                **rows.estimated(one.spectrum[share] for one in curves),
                "records": min(one.records for one in curves),
                **rows.health(found, cell),
            }
            for share in shares
        ]
    return made


def layout(table: Table) -> Layout:
    """A wide panel each, with its lines' names beside it."""
    count = len(groups(table, "panel"))
    return Layout(9.0, 3.4 * count, count, 1)


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Response time over 1 / (1 - share), both axes logarithmic."""
    for axes, ((panel,), group) in zip(panels, groups(table, "panel").items(), strict=True):
        for number, ((name, *_), points) in enumerate(groups(group, "line", "cell").items()):
            xs = [1.0 / (1.0 - row["share_ratio"]) for row in points]
            looks = line(number)
            said = wrapped(name or say("only_cell"), 2.4)
            if not points[0]["valid"]:
                looks = {**looks, "marker": "x", "markeredgecolor": VERMILION, "alpha": 0.6}
            if marks := rows.marked(points[0], say):
                said += f"\n({', '.join(marks)})"
            axes.plot(xs, [row["value"] * 1e3 for row in points], label=said, **looks)
            sure = [row for row in points if row["low"] is not None]
            axes.fill_between(
                [1.0 / (1.0 - row["share_ratio"]) for row in sure], [row["low"] * 1e3 for row in sure],
                [row["high"] * 1e3 for row in sure], color=looks["color"], alpha=0.2, linewidth=0,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        most = max(row["share_ratio"] for row in group)
        ticks = [share for share in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999) if share <= most]
        axes.set_xticks([1.0 / (1.0 - share) for share in ticks], [say.plain(100 * share) for share in ticks])
        axes.minorticks_off()
        axes.set_title(panel)
        axes.set_ylabel(say("response"))
        counts = say.trials([row["n"] for row in group])
        least = say.number(min(row["records"] for row in group))
        axes.set_xlabel(f"{say('share')}\n{say('spectrum_n', trials=counts, records=least)}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    same_heights(panels, say)


PLOT = Plot("response_spectrum", table, layout, draw)
