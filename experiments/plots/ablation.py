"""The ablation as a waterfall: from the first step to the last, one change each, and by how much it multiplies the load.

Drawn where the config says that its cells are steps. The axis is logarithmic, so that equal ratios are equal lengths and the
steps add up. The ratios are those of the summary, paired by block.
"""

from collections.abc import Sequence

from experiments.analysis.findings import Findings
from experiments.plots import rows
from experiments.plots.plot import Axes, Layout, Plot, Row, Table
from experiments.plots.style import BLUE, GREEN, GREY, VERMILION, plain_numbers
from experiments.plots.words import Words


def table(found: Findings) -> Table:
    """A row a step: its cell's estimate, and its gain over the step before with the interval of that."""
    cells = {str(cell.cell): cell for cell in found.summary.cells}
    made: Table = []
    for step in found.summary.steps:
        if (cell := cells.get(str(step.cell))) is None:
            continue
        one = cell.carried_records_per_s
        made.append(
            {
                **rows.head(cell.cell),
                "step": step.name,
                "carried_records_per_s": one.value,
                "low": one.low,
                "high": one.high,
                "n": one.n,
                "gain_ratio": step.gain and step.gain.value,
                "gain_low_ratio": step.gain and step.gain.low,
                "gain_high_ratio": step.gain and step.gain.high,
                "invalid_trials": cell.invalid_trials,
            }
        )
    return made


def _gain(row: Row, say: Words) -> str:
    """A step's ratio with its interval, as far as there are any."""
    if row["gain_ratio"] is None:
        return ""
    said = f"  {say('times', ratio=say.significant(row['gain_ratio']))}"
    if row["gain_low_ratio"] is None:
        return said
    return f"{said} [{say.significant(row['gain_low_ratio'])}, {say.significant(row['gain_high_ratio'])}]"


def layout(table: Table) -> Layout:
    """A line a step."""
    return Layout(8.0, 1.2 + 0.5 * len(table))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Each bar leads from the load before the step to the load after it."""
    (axes,) = panels
    shown = [row["carried_records_per_s"] for row in table if row["carried_records_per_s"]]
    least = min(shown) / 1.6 if shown else 1.0
    before = None
    for place, row in enumerate(table):
        rate = row["carried_records_per_s"]
        marked = f"  {say('some_invalid', count=row['invalid_trials'])}" if row["invalid_trials"] else ""
        axes.text(
            0.0, place - 0.22, f"{row['step']}  ({say('n', n=row['n'])}){marked}", fontsize=8, va="bottom",
            transform=axes.get_yaxis_transform(), color=VERMILION if marked else "black",
        )  # fmt: skip
        if not rate:
            continue
        start = least if before is None else before
        colour, word = (BLUE, None) if before is None else (GREEN, "gain") if rate >= before else (VERMILION, "loss")
        axes.barh(place, rate - start, left=start, height=0.4, color=colour, hatch="" if word != "loss" else "///",
                  hatchcolor="white", linewidth=0, label=word and say(word))  # fmt: skip
        if before is not None:
            axes.plot([before, before], [place - 1 + 0.2, place + 0.2], color=GREY, linewidth=0.8)
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [place, place], color="black", linewidth=1.5)
        gain = _gain(row, say)
        end = max(rate, start, row["high"] or 0.0)
        axes.annotate(f" {say.significant(rate)}{gain}", (end, place), va="center", fontsize=8)
        before = rate
    axes.set_xscale("log")
    if shown:
        axes.set_xlim(least, max(shown) * 4)
    plain_numbers(axes.xaxis, say, log=True)
    axes.set_ylim(len(table) - 0.45, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(
        f"{say('carried_log')}; {say('interval')}\n{say('step')}; {say.trials([row['n'] for row in table])}"
    )
    known = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(known.values(), known.keys(), loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)


PLOT = Plot("ablation", table, layout, draw)
