"""What each class of agents saw: the same figures as a trial's, over its own records alone."""

from collections.abc import Mapping

import msgspec

from experiments.metrics.quantiles import Quantiles
from experiments.metrics.response_times import Times
from experiments.metrics.schedule import fleet
from experiments.metrics.walk import Records
from experiments.store.record import Load
from loadgen.model.fleet import numbers


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One class: its agents, the records that arrived at them within the window, and how long these took."""

    agents: int
    records: int
    response_time_s: Quantiles
    batch_wait_s: Quantiles


def by_class(load: Load, records: Records, window: tuple[int, int]) -> dict[str, Times]:
    """A tally for each class, by its name; none where all agents are alike."""
    if not load.classes:
        return {}
    classes = fleet(load)
    return {one.name: Times(records, window, mine) for one, mine in zip(classes, numbers(classes), strict=True)}


def figures(load: Load, tallies: Mapping[str, Times]) -> dict[str, ClassFigures]:
    """What these tell, after the walk."""
    agents = {one.name: one.agents for one in fleet(load)}
    return {
        name: ClassFigures(
            agents=agents[name],
            records=times.arrived,
            response_time_s=times.response,
            batch_wait_s=times.batch_wait,
        )
        for name, times in tallies.items()
    }
