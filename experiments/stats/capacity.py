"""The capacity search: the highest load at which a system holds its objectives, from probes that may err.

Pure: a generator that asks for a load and is sent the verdict on it (held, didn't, or None: the probe says nothing), no
clock and no I/O. So it is tried on simulated systems, and a sealed run's search is played again from its verdicts.

Bracket by doubling and halving, bisect in logarithms, then confirm: near the edge one verdict is a coin's, so both ends of
the bracket are probed until one kind of verdict leads by `lead`. The bracket stands where the fewest verdicts contradict it
(a step function fitted by maximum likelihood, verdicts erring alike on both sides), so no early mistake lasts: a load that
failed once is asked again when all below it held.
Sources: Waeber, Frazier, Henderson, "Bisection search with noisy responses", SIAM J. Control Optim. 51 (2013); Wald,
"Sequential Analysis" (1947), ch. 3, for the lead.
"""

import math
from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Annotated

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a search is told. Loads in any unit.

    `first`: the first load. `least`: below it no verdict is possible. `width_ratio`: the bracket is narrow enough when its
    ends are at most this share apart. `lead`: so many verdicts of one kind more than of the other decide on a load; erring
    in a fifth of the probes, a lead of 3 errs in (0.2 / 0.8)^3 = 1.6 % of the loads. `most`: probes of one load; what is
    undecided after that lies at the edge and is inside the answer. `most_invalid`: probes that say nothing, after which a
    load counts as beyond the instrument.
    """

    first: Annotated[float, msgspec.Meta(gt=0)]
    least: Annotated[float, msgspec.Meta(gt=0)]
    width_ratio: Annotated[float, msgspec.Meta(gt=0)] = 0.05
    lead: Annotated[int, msgspec.Meta(ge=1)] = 3
    most: Annotated[int, msgspec.Meta(ge=1)] = 9
    most_invalid: Annotated[int, msgspec.Meta(ge=1)] = 3


class Tally(msgspec.Struct):
    """The verdicts on one load."""

    held: int = 0
    failed: int = 0
    invalid: int = 0

    def add(self, verdict: bool | None) -> None:
        """Counts one more."""
        if verdict is None:
            self.invalid += 1
        elif verdict:
            self.held += 1
        else:
            self.failed += 1


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Where the search stands: the highest load that held, the lowest that didn't, None where there is none.

    `beyond`: the lowest load that the instrument can't offer or judge, if the search met one above `held`. `done`: both ends
    are certain and close, or nothing can be found that would bring them closer.
    """

    held: float | None
    failed: float | None
    beyond: float | None = None
    done: bool = False


Search = Generator[float, bool | None, Edge]


def search(plan: Plan) -> Search:
    """Yields the load to probe next, is sent its verdict, returns the edge."""
    tallies: dict[float, Tally] = {}
    while True:
        asked = following(plan, tallies)
        if isinstance(asked, Edge):
            return asked
        tallies.setdefault(asked, Tally()).add((yield asked))


def following(plan: Plan, tallies: Mapping[float, Tally]) -> float | Edge:
    """The load to probe next, or the edge if there is nothing more to ask."""
    low, high, beyond = bracket(plan, tallies)
    upper = _lower(high, beyond)
    if not tallies:
        return plan.first
    if low is None:
        if upper is None:  # every probe so far said nothing, and the load may be asked again
            return max(tallies)
        if upper > plan.least:
            return max(plan.least, upper / 2)
    elif upper is None:
        return low * 2
    elif upper / low > 1 + plan.width_ratio:
        return math.sqrt(low * upper)
    return _confirm(plan, tallies, low, high, beyond)


def bracket(plan: Plan, tallies: Mapping[float, Tally]) -> tuple[float | None, float | None, float | None]:
    """The neighbouring loads between which the step fits the verdicts best, and the lowest load above that gave none."""
    judged = sorted(load for load, tally in tallies.items() if tally.held + tally.failed)
    leads = [tallies[load].held - tallies[load].failed for load in judged]
    # The fit of a step before place k, but for a constant that is common to all k: what held below it.
    fits = [sum(leads[:place]) for place in range(len(judged) + 1)]
    place = fits.index(max(fits))
    low = judged[place - 1] if place else None
    high = judged[place] if place < len(judged) else None
    silent = [load for load in tallies if _mute(plan, tallies, load) and load > (low or 0.0)]
    return low, high, min(silent, default=None)


def _mute(plan: Plan, tallies: Mapping[float, Tally], load: float) -> bool:
    """Whether a load was asked often enough and gave no verdict: to ask again would be for ever."""
    tally = tallies.get(load)
    return tally is not None and tally.invalid >= plan.most_invalid and not tally.held + tally.failed


def _confirm(
    plan: Plan, tallies: Mapping[float, Tally], low: float | None, high: float | None, beyond: float | None
) -> float | Edge:
    """Asks again what isn't certain, from the bracket outwards; the edge when both sides have a certain load."""
    judged = sorted(load for load, tally in tallies.items() if tally.held + tally.failed)
    below = [load for load in reversed(judged) if low is not None and load <= low]
    above = [load for load in judged if high is not None and load >= high]
    ends: list[float | None] = []
    for loads, sign in ((below, 1), (above, -1)):
        end = None
        for load in loads:
            tally = tallies[load]
            if sign * (tally.held - tally.failed) >= plan.lead:
                end = load
                break
            if tally.held + tally.failed < plan.most and tally.invalid < plan.most:
                return load
        ends.append(end)
    held, failed = ends
    if held is None and below and min(below) > plan.least:
        lower = max(plan.least, min(below) / (1 + plan.width_ratio))
        if not _mute(plan, tallies, lower):
            return lower
    if failed is None and above and beyond is None:
        return max(above) * (1 + plan.width_ratio)
    if beyond is not None and failed is not None and failed < beyond:
        beyond = None
    if held is not None and failed is not None:
        # What was undecided between the ends left gaps that nobody looked into.
        inside = [load for load in judged if held <= load <= failed]
        for ratio, begin in sorted(((high / low, low) for low, high in pairwise(inside)), reverse=True):
            middle = begin * math.sqrt(ratio)
            if ratio > 1 + plan.width_ratio and not _mute(plan, tallies, middle):
                return middle
    return Edge(held=held, failed=failed, beyond=beyond, done=True)


def left(plan: Plan, tallies: Mapping[float, Tally]) -> int:
    """How many probes are left if none errs from here on and the edge is in the middle of the bracket: for the time left."""
    ahead = {load: Tally(tally.held, tally.failed, tally.invalid) for load, tally in tallies.items()}
    low, high, beyond = bracket(plan, ahead)
    upper = _lower(high, beyond)
    begin = low or (upper / 2 if upper else plan.first)
    middle = math.sqrt(begin * (upper or begin * 2))
    count = 0
    while not isinstance(asked := following(plan, ahead), Edge):
        ahead.setdefault(asked, Tally()).add(asked <= middle)
        count += 1
    return count


def so_far(plan: Plan, tallies: Mapping[float, Tally]) -> Edge:
    """The edge of a search that was broken off: what the verdicts until then say."""
    asked = following(plan, tallies)
    if isinstance(asked, Edge):
        return asked
    low, high, beyond = bracket(plan, tallies)
    return Edge(held=low, failed=high, beyond=beyond)


def _lower(one: float | None, other: float | None) -> float | None:
    return min((load for load in (one, other) if load is not None), default=None)
