"""What makes a plan's cells not worth running, or not able to end: said before anything starts, and no error.

Settings and predictions of all cells -> caveats, each about some cells. A new one is a function here and its name in
`OF_CELLS`. What can't be run at all is `checks`'s to refuse.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from experiments.design.experiment import Cell, Experiment
from experiments.design.prediction import Prediction, worker_cores
from experiments.design.trial_config import TrialConfig
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.arrivals.saturate import Saturate

#: Fewest records for a 99th percentile.
LEAST_P99_RECORDS: Final = 2_000
#: Expected batches of a whole load below which one of the two limits never acts.
NEVER_BATCHES: Final = 0.01
#: A share of batches cut by the load's end that makes a window say something else than the agents' limits do.
MOST_CLOSED_RATIO: Final = 0.25
#: A plan that takes longer is worth a thought.
LONG_S: Final = 3600.0


class Caveat(NamedTuple):
    """What is wrong and what to do, and the numbers of the cells it is about; none: the whole plan."""

    cells: tuple[int, ...]
    text: str

    def __str__(self) -> str:
        """`cells 0, 3: what is wrong`."""
        if not self.cells:
            return self.text
        shown = ", ".join(map(str, self.cells[:8])) + (f" and {len(self.cells) - 8} more" * (len(self.cells) > 8))
        return f"cell{'s' * (len(self.cells) > 1)} {shown}: {self.text}"


def caveats(experiment: Experiment, predictions: Sequence[Prediction], cpus: int, expected_s: float) -> list[Caveat]:
    """Gives all caveats of a plan, the gravest kind first.

    Args:
        predictions: one a cell, in their order.
        cpus: how many this process may use.
        expected_s: how long the plan takes.
    """
    found = []
    for check in OF_CELLS:
        told: dict[str, list[int]] = {}
        for cell, config, prediction in zip(experiment.cells, experiment.configs, predictions, strict=True):
            text = check(config, prediction, cpus)
            if text is not None:
                told.setdefault(text, []).append(cell.index)
        found += [Caveat(tuple(cells), text) for text, cells in told.items()]
    found += cannot_differ(experiment, predictions, cpus)
    if expected_s > LONG_S:
        found.append(
            Caveat((), f"all of it takes about {expected_s / 3600:.1f} h; --budget 1h ends it at a block's end")
        )
    return found


# Of one cell. Each gives what is wrong, or None.


def cannot_end(config: TrialConfig, prediction: Prediction, cpus: int) -> str | None:
    """The queue that is left at the load's end takes longer than the trial waits for it."""
    drain_s, timeout_s = prediction.drain_s, config.trial.drain_timeout_s
    if drain_s is None or drain_s <= timeout_s:
        return None
    return (
        f"can't end: {_load(prediction)}, and what is left of it then takes at least {_s(drain_s)} to scan, "
        f"drain_timeout_s is {timeout_s:g}; offer less, or raise it"
    )


def overloads(config: TrialConfig, prediction: Prediction, cpus: int) -> str | None:
    """More is offered than the workers can scan, though it ends."""
    used = prediction.utilisation_ratio
    if prediction.offered_records_per_s is None or used is None or used <= 1.0:
        return None
    if cannot_end(config, prediction, cpus) is not None:
        return None
    return f"will be overloaded: {_load(prediction)}; its response times are those of a growing queue"


def fills_too_slowly(config: TrialConfig, prediction: Prediction, cpus: int) -> str | None:
    """An agent flushes less than once within the window."""
    mix, measure_s = prediction.mix, config.trial.measure_s
    for one in config.swarm.fleet():
        if not isinstance(one.arrivals, OpenLoopProcess):
            continue
        rate = one.arrivals.prepared({}).mean_rate_per_s()
        apart_s = min(one.batch_size / rate, one.timeout_s + 1.0 / rate) if rate else float("inf")
        if apart_s > measure_s:
            return (
                f"an agent flushes every {_s(apart_s)} and the window is {measure_s:g} s: some agents show no batch in it; "
                "lengthen measure_s, or lower batch_size or timeout_s"
            )
    if mix is None:
        return f"no batch is expected within the window of {measure_s:g} s; lengthen measure_s, or offer more"
    return None


def closed_by_the_end(config: TrialConfig, prediction: Prediction, cpus: int) -> str | None:
    """Many batches are cut by neither limit."""
    mix = prediction.mix
    if mix is None or mix.by_close_ratio <= MOST_CLOSED_RATIO:
        return None
    return (
        f"{mix.by_close_ratio:.0%} of the window's batches are cut by the load's end, not by a limit; "
        f"cooldown_s = {config.swarm.timeout_s:g} lets them end"
    )


def too_few_for_p99(config: TrialConfig, prediction: Prediction, cpus: int) -> str | None:
    """The window holds too few records for a 99th percentile."""
    rate = prediction.offered_records_per_s
    if rate is None:
        rate = prediction.limit_records_per_s if isinstance(config.swarm.arrivals, Saturate) else None
    if rate is None or rate * config.trial.measure_s >= LEAST_P99_RECORDS:
        return None
    return (
        f"about {rate * config.trial.measure_s:,.0f} records in the window, too few for a 99th percentile "
        f"({LEAST_P99_RECORDS:,}); measure_s = {LEAST_P99_RECORDS / rate:.3g} would hold them"
    )


#: In the order in which they are told.
OF_CELLS: tuple[Callable[[TrialConfig, Prediction, int], str | None], ...] = (
    cannot_end,
    overloads,
    fills_too_slowly,
    closed_by_the_end,
    too_few_for_p99,
)


# Between cells.


def cannot_differ(experiment: Experiment, predictions: Sequence[Prediction], cpus: int) -> list[Caveat]:
    """Gives the groups of cells that are run alike: the levels in which they differ have no effect in them."""
    groups: dict[bytes, list[tuple[Cell, list[str]]]] = {}
    for cell, config, prediction in zip(experiment.cells, experiment.configs, predictions, strict=True):
        plain, idle = effective(config, prediction, cpus)
        groups.setdefault(msgspec.json.encode(plain, order="deterministic"), []).append((cell, idle))
    found = []
    for members in groups.values():
        if len(members) > 1:
            reasons = dict.fromkeys(reason for _, idle in members for reason in idle)
            why = "; ".join(reasons) or "their levels set nothing that counts"
            cells = tuple(cell.index for cell, _ in members)
            found.append(Caveat(cells, f"can't differ but by chance: {why}"))
    return found


def effective(config: TrialConfig, prediction: Prediction, cpus: int) -> tuple[dict[str, Any], list[str]]:
    """Gives a cell's settings without those that change nothing in it, and why those of the batching change nothing."""
    plain: dict[str, Any] = msgspec.to_builtins(config)
    idle: list[str] = []
    # Names, and what is only judged by afterwards.
    plain["objectives"] = plain["system"]["profile"] = plain["trial"]["label"] = None
    plain["system"]["worker_cores"] = cores = worker_cores(config, cpus)
    if config.system.worker_concurrency == "cores":
        plain["system"]["worker_concurrency"] = cores
    if config.system.engine != "emulated":
        plain["system"]["emulated"] = None
    records = plain["swarm"]["records"]
    if records["source"] == "files":
        records["attack_ratio"] = records["mix"] = None
    arrivals = config.swarm.arrivals
    if config.swarm.classes:
        return plain, idle
    if isinstance(arrivals, OpenLoopProcess):
        _idle_limits(plain["swarm"], config, prediction, idle)
    else:
        plain["swarm"]["timeout_s"] = None
        idle.append("under full load batches are cut whole, so TIMEOUT plays no part")
        if isinstance(arrivals, Saturate):
            plain["swarm"]["arrivals"]["window_batches"] = arrivals.window(config.swarm.batch_size)
    return plain, idle


def _idle_limits(swarm: dict[str, Any], config: TrialConfig, prediction: Prediction, idle: list[str]) -> None:
    """Takes out the one of BATCH_SIZE and TIMEOUT that never acts."""
    mix, offered = prediction.mix, prediction.offered_records_per_s
    if mix is None or offered is None or mix.records_per_batch is None:
        return
    batches = offered * config.trial.load_s / mix.records_per_batch
    if mix.by_size_ratio * batches < NEVER_BATCHES:
        swarm["batch_size"] = None
        idle.append(f"TIMEOUT always beats BATCH_SIZE (about {mix.records_per_batch:,.0f} records a batch)")
    elif mix.by_timeout_ratio * batches < NEVER_BATCHES:
        swarm["timeout_s"] = None
        idle.append("BATCH_SIZE always beats TIMEOUT")


def _load(prediction: Prediction) -> str:
    """What a cell offers, and what the workers can take of it."""
    limit = prediction.limit_records_per_s or 0.0
    if prediction.offered_records_per_s is None:
        return f"the workers scan at most {limit:,.0f} records/s here"
    return (
        f"{prediction.offered_records_per_s:,.0f} records/s are offered and the workers scan at most {limit:,.0f} here"
    )


def _s(seconds: float) -> str:
    """`0.25 s`, `90 s`, `3.5 h`."""
    return (
        f"{seconds:.3g} s"
        if seconds < 600
        else f"{seconds / 60:.3g} min"
        if seconds < 7200
        else f"{seconds / 3600:.3g} h"
    )
