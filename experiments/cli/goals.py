"""`caudal goals`: measures each speed that the project has set itself a goal for, and prints both side by side."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from experiments.cli.main import COULD_NOT_MEASURE
from experiments.cli.options import FiniteRange
from experiments.goals import end_to_end, growth
from experiments.goals.floors import floors
from experiments.goals.goal import Figure, Goal, spelled, table
from experiments.goals.registry import AT_HALF, BENCHES, END_TO_END

NAMES = ("end-to-end", "half-load", *BENCHES)
#: Measured only if it is asked for: it takes as long as its trials.
GROWTH = "growth"


@click.command()
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True,
              help="Values of each figure; an interval takes five.")  # fmt: skip
@click.option("--only", metavar="GOAL", multiple=True, type=click.Choice((*NAMES, GROWTH)),
              help="Measure this one alone. Repeatable. `growth` is measured only so.")  # fmt: skip
@click.option("--lengths", metavar="SHORT LONG", nargs=2, type=FiniteRange(min=1), default=(60.0, 1200.0), show_default=True,
              help="Seconds of the two trials of `growth`.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("results"), show_default=True,
              help="Where the runs of `goals`, `goals-half` and `growth` are kept.")  # fmt: skip
def goals(repeats: int, only: tuple[str, ...], lengths: tuple[float, float], out: Path) -> int:
    """Measure each speed that has a goal, and print both side by side, as Markdown tables.

    \b
    Examples:
      caudal goals
      caudal goals --only planning --only swarm-bytes --repeats 3
      caudal goals --only growth --repeats 1 --lengths 5 20

    For a quiet machine; all but `growth` takes about ten minutes. Exit code 0 whether goals are met or not, 3 if one
    could not be measured.
    """
    wanted = only or NAMES
    figures: list[Figure] = []
    if "end-to-end" in wanted:
        rates, costs = end_to_end.carried(repeats, out, _watch)
        figures += _by_size(END_TO_END, rates)
        _watch("the floors")
        _print(_stages(costs, [floors() for _ in range(repeats)]))
    if "half-load" in wanted:
        figures += _by_size(AT_HALF, end_to_end.p99_after_the_cut_ms(repeats, out, _watch))
    for name, (goal, bench) in BENCHES.items():
        if name in wanted:
            _watch(f"{name}, {repeats} times")
            figures.append(Figure(goal=goal, values=tuple(bench() for _ in range(repeats))))
    if figures:
        _print(table(figures))
    if GROWTH in wanted:
        figures += _growth(repeats, lengths, out)
    return COULD_NOT_MEASURE if any(not one.values for one in figures) else 0


def _growth(repeats: int, lengths: tuple[float, float], out: Path) -> list[Figure]:
    short, long = ([growth.play(seconds, out, _watch) for _ in range(repeats)] for seconds in lengths)
    _print(growth.table(short, long))
    return list(growth.figures(short, long).values())


def _by_size(goals: Mapping[int, Goal], values: Mapping[int, Sequence[float]]) -> list[Figure]:
    return [Figure(goal=goal, values=tuple(values[size])) for size, goal in goals.items()]


def _stages(costs: Mapping[str, float], floored: Sequence[Mapping[str, float]]) -> list[list[str]]:
    """Each stage's CPU seconds a gigabyte of packed records beside its floor, of BATCH_SIZE 1000.

    The last row holds stages that have a floor alone. Floors are of clean lines.
    """
    rows = [["stage, BATCH_SIZE 1000", "CPU seconds a gigabyte", "floor", "times the floor"]]
    least = {stage: sum(one[stage] for one in floored) / len(floored) for stage in floored[0]}
    if not costs:
        return rows
    for stage in ("swarm", "gateway", "broker", "workers", "recorder", "sweeper"):
        floor = least.get(stage)
        times = "–" if not floor else f"{costs[stage] / floor:.2f}"
        rows.append([stage, spelled(costs[stage]), "–" if floor is None else spelled(floor), times])
    whole, all_floors = sum(costs[stage] for stage in least), sum(least.values())
    rows.append(["all that have a floor", spelled(whole), spelled(all_floors), f"{whole / all_floors:.2f}"])
    return rows


def _print(rows: Sequence[Sequence[str]]) -> None:
    head, *rest = rows
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rest:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def _watch(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
