"""Response time over a trial's time, with its faults: a cell's first trial, a panel each, those with faults first.

Points stand at the records' arrival, so that a stall is a slope and what arrived in it is seen to have waited.
"""

from collections.abc import Sequence

import numpy as np

from experiments.analysis.findings import Findings
from experiments.plots import rows
from experiments.plots.plot import Axes, Layout, Plot, Table, groups
from experiments.plots.style import BLUE, GREY, VERMILION, hide, legend_below, plain_numbers, same_heights, wrapped
from experiments.plots.words import Words

#: Most panels of a figure; the report's tables hold every trial.
MOST_PANELS = 6


def table(found: Findings) -> Table:
    """A row a bin: seconds since the load's begin, quantiles in s, records, `unfinished`, and the trial's faults as text."""
    made = []
    trials = [trial for trial in found.summary.trials if trial.index in found.curves and trial.replicate == 0]
    first = [trial for cell in found.summary.cells for trial in trials if trial.cell == cell.cell]
    for trial in sorted(first, key=lambda one: not one.faults)[:MOST_PANELS]:
        record = found.records[trial.index]
        faults = ";".join(
            f"{fault['kind']}@{(fault['at_mono_ns'] - record.start_mono_ns) / 1e9:.3f}"
            for fault in trial.faults
            if "at_mono_ns" in fault
        )
        for one in found.curves[trial.index].timeline:
            seen = one.response_time_s
            made.append(
                {
                    **rows.head(trial.cell),
                    "trial": trial.index,
                    "cells": len(first),
                    "valid": trial.counts,
                    "overloaded": trial.outcome == "overloaded",
                    "begin_s": one.begin_s,
                    "length_s": one.length_s,
                    "p50_s": seen.p50,
                    "p99_s": seen.p99,
                    "max_s": seen.max,
                    "records": seen.count,
                    "unfinished": seen.unfinished,
                    "warmup_s": (record.window[0] - record.start_mono_ns) / 1e9,
                    "faults": faults,
                }
            )
    return made


def layout(table: Table) -> Layout:
    """Two panels beside each other."""
    count = len(groups(table, "trial"))
    return Layout(9.0, 0.5 + 2.6 * ((count + 1) // 2), (count + 1) // 2, min(2, count))


def draw(table: Table, panels: Sequence[Axes], say: Words) -> None:
    """Median, 99th percentile where the bin bears it, and the slowest record of each bin; faults as lines across."""
    grouped = groups(table, "trial")
    for axes, bins in zip(panels, grouped.values(), strict=False):
        first = bins[0]
        at = np.array([row["begin_s"] + row["length_s"] / 2 for row in bins])
        for name, word, looks in (
            ("max_s", "slowest", {"color": GREY, "linestyle": "none", "marker": "."}),
            ("p99_s", "p99_bin", {"color": VERMILION, "linestyle": "--"}),
            ("p50_s", "median", {"color": BLUE, "linestyle": "-"}),
        ):
            values = np.array([np.nan if row[name] is None else row[name] * 1e3 for row in bins])
            if np.isfinite(values).any():
                axes.plot(at, values, label=say(word), markersize=4, linewidth=1.3, **looks)
        axes.set_yscale("log")
        stuck = [when for when, row in zip(at, bins, strict=True) if row["unfinished"]]
        if stuck:
            axes.plot(stuck, [0.97] * len(stuck), "v", color="black", markersize=5, label=say("unfinished"),
                      transform=axes.get_xaxis_transform())  # fmt: skip
        axes.axvspan(0, first["warmup_s"], color=GREY, alpha=0.12, label=say("warmup"))
        for fault in filter(None, first["faults"].split(";")):
            kind, _, when = fault.partition("@")
            axes.axvline(float(when), color="black", linestyle="-.", label=say("fault", kind=kind))
        axes.set_xlim(0, bins[-1]["begin_s"] + bins[-1]["length_s"])
        plain_numbers(axes.xaxis, say)
        said = [first["cell"] or say("only_cell")]
        said += [] if first["valid"] else [say("invalid")]
        said += [say("overloaded")] if first["overloaded"] else []
        axes.set_title(wrapped(", ".join(said), 3.7),
                       color="black" if first["valid"] else VERMILION, fontsize=8)  # fmt: skip
        n = say.number(float(np.median([row["records"] + row["unfinished"] for row in bins])))
        axes.set_xlabel(f"{say('since_start')}\n{say('bin_n', n=n, length=say.significant(first['length_s'], 2))}")
        axes.set_ylabel(say("response"))
    same_heights(panels[: len(grouped)], say)
    total = table[0]["cells"]
    legend_below(panels, 3, say("first_panels", count=len(grouped), total=total) if total > len(grouped) else None)
    hide(list(panels[len(grouped) :]))


PLOT = Plot("latency_over_time", table, layout, draw)
