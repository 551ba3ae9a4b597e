"""What the plots of throughput against size share: their rows, the laws as lines with bands, the trials as dots."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from experiments.analysis.findings import Findings
from experiments.analysis.scaling import Point, fits, out_of_cores, points
from experiments.plots import rows
from experiments.plots.plot import Axes, Row, Table, groups
from experiments.plots.style import BLUE, GREEN, GREY, VERMILION
from experiments.plots.words import Words
from experiments.stats.scaling import LAWS, PARAMETERS, Fit

#: Points of a law's line.
_POINTS: Final = 60

_LOOKS: Final = {"amdahl": (GREY, "-."), "usl": (GREEN, "--")}

#: Fewest sizes that any law can be held against.
LEAST_SIZES: Final = min(LAWS.values()) + 1


def table(found: Findings, size: str, wanted: Callable[[Sequence[Point]], bool]) -> Table:
    """Of each series that is wanted: a row a trial, with its size in the column `size`, then the lines of its laws."""
    trials = {row["trial"]: row for row in rows.trials(found)}
    made: Table = []
    for name, mine in points(found.records, found.summary.trials, found.summary.machine).items():
        if not wanted(mine):
            continue
        spent = out_of_cores(mine)
        made += [
            {
                **trials[one.trial.index],
                "series": name,
                "emulated": one.emulated,
                size: one.size,
                "cpu_ratio": one.cpu_ratio,
                "out_of_cores": one.size in spent,
                "law": None,
            }
            for one in mine
        ]
        for law in fits(mine):
            made += _line(law, name, size, sorted({one.size for one in mine if one.size not in spent}))
    return made


def _line(law: Fit, series: str, size: str, sizes: Sequence[int]) -> Table:
    at = np.geomspace(sizes[0], sizes[-1], _POINTS)
    value, low, high = law.curve(at.tolist())
    told: Row = {}
    bounds = law.bounds()
    for place, name in enumerate(PARAMETERS[: LAWS[law.law]]):
        ends = (None, None) if bounds is None else (float(bounds[0][place]), float(bounds[1][place]))
        told |= {name: float(law.values[place]), f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return [
        {
            "series": series,
            "law": law.law,
            size: float(at[place]),
            "value": float(value[place]),
            "low": None if low is None else float(low[place]),
            "high": None if high is None else float(high[place]),
            "n": law.trials,
            **told,
        }
        for place in range(_POINTS)
    ]


def measured(group: Table) -> Table:
    """The rows of trials."""
    return [row for row in group if row["law"] is None]


def draw_laws(axes: Axes, group: Table, size: str, say: Words) -> None:
    """A line a law, with the band of its interval, named with its parameters."""
    for (law,), line in groups([row for row in group if row["law"] is not None], "law").items():
        colour, dash = _LOOKS[law]
        at = [row[size] for row in line]
        axes.plot(at, [row["value"] for row in line], dash, color=colour, linewidth=1.2, label=named(line[0], say))
        if line[0]["low"] is not None:
            axes.fill_between(
                at, [row["low"] for row in line], [row["high"] for row in line], color=colour, alpha=0.15, linewidth=0
            )


def named(row: Row, say: Words) -> str:
    """A law with its parameters: contention, and crosstalk where it has one."""

    def bounded(name: str) -> str:
        value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
        text = say.significant(value, 2)
        return text if low is None else f"{text} [{say.significant(low, 2)}, {say.significant(high, 2)}]"

    return say(row["law"], n=row["n"], **{name: bounded(name) for name in PARAMETERS[1 : LAWS[row["law"]]]})


def draw_trials(
    axes: Axes, group: Table, size: str, say: Words, colour: str = BLUE, dot: str = "o", series: str = ""
) -> None:
    """Dots: trials, crosses: invalid ones. Line: the geometric means, with their intervals. `series`: its name if shown."""
    mine = measured(group)

    def named(word: str) -> str:
        return say("of_series", series=series, what=say(word)) if series else say(word)

    means = [(at, each[0]) for (at,), each in sorted(groups(mine, size).items()) if each[0]["value"] is not None]
    axes.plot(
        [at for at, _ in means], [one["value"] for _, one in means], "-", color=colour, label=named("mean_interval")
    )
    for at, one in means:
        if one["low"] is not None:
            axes.plot([at, at], [one["low"], one["high"]], color=colour, linewidth=6, alpha=0.35)
    for valid, marker, drawn, word in ((True, dot, colour, "valid_trial"), (False, "x", VERMILION, "invalid_trial")):
        shown = [row for row in mine if row["valid"] is valid]
        if shown:
            xs, ys = [row[size] for row in shown], [row["carried_records_per_s"] for row in shown]
            axes.plot(xs, ys, marker, color=drawn, markersize=4, label=named(word) if valid else say(word))
