"""A goal, the figure beside it, and whether the one is met by the other."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from experiments.stats.estimate import Estimate, estimate


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be reached: `wanted`, in `unit`, as the least figure, or as the most with `at_most`."""

    what: str
    wanted: float
    unit: str
    at_most: bool = False


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured for a goal: one value a repeat."""

    goal: Goal
    values: tuple[float, ...]

    @property
    def estimate(self) -> Estimate:
        """The geometric mean of the values, with an interval from five on."""
        return estimate(self.values)

    @property
    def times_the_goal(self) -> float | None:
        """The mean by the goal: above 1 is better, whichever way the goal lies. None if nothing was measured."""
        value = self.estimate.value
        if not value:
            return None
        return self.goal.wanted / value if self.goal.at_most else value / self.goal.wanted

    @property
    def verdict(self) -> Literal["met", "not met", "can't tell", "not measured"]:
        """Whether the goal is met: by the whole interval where there is one, else by the mean."""
        found, goal = self.estimate, self.goal
        if found.value is None:
            return "not measured"
        low, high = (found.value, found.value) if found.low is None or found.high is None else (found.low, found.high)
        if goal.at_most:
            low, high = -high, -low
        wanted = -goal.wanted if goal.at_most else goal.wanted
        if low >= wanted:
            return "met"
        return "not met" if high < wanted else "can't tell"


def spelled(value: float) -> str:
    """A figure with as many digits as tell something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def table(figures: Sequence[Figure]) -> list[list[str]]:
    """The rows of the goals' table, its header first."""
    rows = [["what", "goal", "measured", "95 % interval", "n", "times the goal", "verdict"]]
    for one in figures:
        found = one.estimate
        bounds = "none" if found.low is None or found.high is None else f"{spelled(found.low)} to {spelled(found.high)}"
        times = one.times_the_goal
        rows.append(
            [
                one.goal.what,
                f"{'at most' if one.goal.at_most else 'at least'} {spelled(one.goal.wanted)} {one.goal.unit}".strip(),
                "–" if found.value is None else spelled(found.value),
                bounds,
                str(found.n),
                "–" if times is None else f"{times:.2f}",
                one.verdict,
            ]
        )
    return rows
