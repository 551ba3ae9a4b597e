"""Runs a capacity search: each probe a fresh trial of one config, its arrivals scaled to the load that is asked for.

Reads an `Experiment` of one cell, writes one run folder like any other, in which each load is a cell and each probe a
trial. The next load follows from the verdicts on the sealed probes alone, so an interrupted search goes on where it was.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from experiments.analysis.capacity import LOAD, ProbeFound, probes_of, tallied
from experiments.analysis.summary import Summary
from experiments.design.errors import ConfigError
from experiments.design.experiment import Cell, Experiment
from experiments.design.plan import Trial
from experiments.design.seeds import replicate_seed
from experiments.metrics.quantiles import LEAST
from experiments.metrics.trial import summarise
from experiments.plots.style import FORMATS
from experiments.running.preflight import check
from experiments.running.run import Screen, created, finish, measure, resumed
from experiments.stats.capacity import Edge, Plan, following, left
from experiments.store.run import RunFolder

#: So many more records than a quantile needs are wanted at the least load: their number is drawn.
_ROOM: float = 1.25


class SearchScreen(Screen, Protocol):
    """Where a search shows its progress."""

    def ahead(self, probe: int, expected: int, expected_s: float) -> None:
        """The probe of this number (from 1) is next; with it about `expected` are to be run, in `expected_s` seconds."""

    def judged(self, probe: ProbeFound) -> None:
        """A probe was judged."""


def capacity(
    experiment: Experiment,
    out: Path,
    *,
    command: str,
    screen: SearchScreen,
    resume: bool = False,
    budget_s: float | None = None,
    language: str = "en",
    formats: tuple[str, ...] = FORMATS,
) -> tuple[RunFolder, Summary]:
    """Searches until the edge is certain and narrow, or the budget has no room for another probe.

    Raises: ConfigError: the config can't be searched; and as `experiments.running.run.run`.
    """
    plan = planned(experiment)
    check(experiment, screen.waiting)
    experiment = msgspec.structs.replace(experiment, name=f"{experiment.name}-capacity")
    objectives = limits(experiment)
    folder = (
        resumed(experiment, out)
        if resume
        else created(experiment, out, command, capacity=msgspec.to_builtins(plan), trials_planned=0)
    )
    begun = time.monotonic()
    found = [summarise(record, folder.tables(record)) for record in folder.records()]
    try:
        while not isinstance(load := following(plan, tallied(probes_of(found, objectives))), Edge):
            trial = probe(experiment, load, [one.cell[LOAD] for one in found])
            ahead = left(plan, tallied(probes_of(found, objectives)))
            spent = time.monotonic() - begun + trial.expected_s
            if found and budget_s is not None and spent > budget_s:
                break
            screen.ahead(len(found) + 1, len(found) + ahead, ahead * trial.expected_s)
            screen.trial(trial, trial.index, len(found) + ahead)
            found.append(measure(trial, folder, screen))
            screen.ended(trial, found[-1])
            screen.judged(probes_of(found[-1:], objectives)[0])
    except BaseException:
        folder.discard()
        raise
    loads = sorted({one.cell[LOAD] for one in found})
    cells = [{"index": place, "levels": {LOAD: load}} for place, load in enumerate(loads)]
    described = {**folder.manifest["experiment"], "cells": cells}
    return folder, finish(
        folder,
        language=language,
        formats=formats,
        watch=screen.reporting,
        experiment=described,
        trials_planned=len(found),
    )


def planned(experiment: Experiment) -> Plan:
    """What the search is told: it begins with the config's own load.

    Raises: ConfigError: more than one cell, full load, faults, or no objective.
    """
    if len(experiment.cells) != 1:
        fixed = " ".join(f"--set {name}={level}" for name, level in experiment.cells[0].levels.items())
        raise ConfigError(
            f"a capacity search must have one cell, got {len(experiment.cells)} ({experiment.source}, [factors]);"
            f" choose the levels, for example {fixed}"
        )
    config = experiment.configs[0]
    try:
        config.swarm.scaled(1.0)
    except ValueError as error:
        raise ConfigError(
            f"swarm.arrivals must be an open loop for a capacity search, got {error} ({experiment.source}); for example"
            " --set 'swarm.arrivals={kind = \"poisson\", rate_per_s = 1000.0}'"
        ) from None
    if config.faults:
        raise ConfigError(
            f"faults must be left out for a capacity search, got {len(config.faults)} ({experiment.source}): a probe"
            " is a steady state; inject them with `caudal run`"
        )
    if not limits(experiment):
        raise ConfigError(
            f"objectives must name a limit for a capacity search, got none ({experiment.source}); for example"
            " --set objectives.p99_response_s=0.5"
        )
    needed = max((LEAST.get(key.partition("_")[0], 1) for key in limits(experiment)), default=1)
    least = _ROOM * needed / config.trial.measure_s
    return Plan(first=max(nominal(experiment), least), least=least)


def limits(experiment: Experiment) -> Mapping[str, float]:
    """The objectives that are given, in seconds by key."""
    given: dict[str, float | None] = msgspec.to_builtins(experiment.configs[0].objectives)
    return {name: limit_s for name, limit_s in given.items() if limit_s is not None}


def nominal(experiment: Experiment) -> float:
    """Records a second that the config offers: all agents, expected over warm-up and window."""
    config = experiment.configs[0]
    horizon_s = config.trial.warmup_s + config.trial.measure_s
    return config.swarm.expected_records(horizon_s) / horizon_s


def probe(experiment: Experiment, load: float, before: list[Any]) -> Trial:
    """The trial that offers `load` records a second; `before`: the loads of the probes before it."""
    config = experiment.configs[0]
    try:
        swarm = config.swarm.scaled(load / nominal(experiment))
    except ValueError as error:
        raise ConfigError(f"a probe of {load:,.0f} records/s can't be made: {error}") from error
    number = len(before)
    return Trial(
        index=number,
        block=number,
        cell=Cell(index=len({*before} - {load}), levels={LOAD: load}),
        replicate=before.count(load),
        seed=replicate_seed(experiment.seed, number),
        config=msgspec.structs.replace(config, swarm=swarm),
    )
