"""The flush mix of a load: how its batches end, how many records they hold and how long those wait in the agent.

Flow: a fleet's arrivals, BATCH_SIZE and TIMEOUT -> `predicted`; the batches that were cut, with their records' arrivals
-> `observed`. Both give one `FlushMix` over one population, so that they stand beside each other: of the batches that
open within the window, how each ends (the agents close at the load's end), and of those that open at least TIMEOUT before
that, which therefore ran to their end, what they hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import NS_PER_S, OpenLoopProcess
from loadgen.model.batching import cut
from loadgen.model.fleet import AgentClass, numbers
from loadgen.model.owners import owned
from loadgen.model.ranks import Ranks
from loadgen.model.theory import BatchingTheory, ConstantBatching, PoissonBatching

Ints = NDArray[np.int64]

#: Seed and size, by class, of a simulated prediction: never a trial's own seed, which are hashes, and enough records for a
#: percentile that is off by a few percent.
SIMULATION_SEED = 0
SIMULATED_AGENTS = 200
SIMULATED_RECORDS = 200_000

#: The method of constant arrivals.
COUNTED = "closed form, constant arrivals; its shares counted in the schedule"

#: Fewest records for which an observed 99th percentile is given.
LEAST_P99_RECORDS = 2_000


class FlushMix(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are of the batches that open in the window, the rest is of those of them that end undisturbed.

    `by_close_ratio`: flushed by neither limit but because the load ended. None: nothing to say, as of a wait under full
    load, where a record arrives when its batch is cut.
    """

    method: str
    by_size_ratio: float
    by_timeout_ratio: float
    by_close_ratio: float
    records_per_batch: float | None
    batch_wait_mean_s: float | None
    batch_wait_p50_s: float | None
    batch_wait_p99_s: float | None


class AgentBatches(msgspec.Struct, frozen=True, eq=False):
    """One agent's arrivals and limits, and its batches by first record: that, count, when each was cut. One clock, ns.

    `arrivals_ns`: in pieces, gone through more than once. `weight`: for how many agents it stands.
    """

    arrivals_ns: Iterable[Ints]
    first: Ints
    count: Ints
    cut_ns: Ints
    batch_size: int
    timeout_ns: int
    weight: float = 1.0


def predicted(
    classes: Sequence[AgentClass],
    *,
    warmup_s: float,
    measure_s: float,
    cooldown_s: float = 0.0,
    sources: Mapping[str, bytes] | None = None,
) -> FlushMix | None:
    """What a trial's measured window will show, before it is run: in closed form where there is one.

    Args:
        classes: the fleet. Under full load all are cut whole, and of several sizes the mean stands.
        warmup_s, measure_s, cooldown_s: where the window lies; the load ends after the cool-down.
        sources: as for `schedule`.

    Returns:
        None where the simulated agents open no batch within the window.
    """
    if not all(isinstance(one.arrivals, OpenLoopProcess) for one in classes):
        return whole(sum(one.batch_size * one.agents for one in classes) / sum(one.agents for one in classes))
    only = classes[0] if len(classes) == 1 else None
    if only is not None and isinstance(only.arrivals, Poisson):
        rate_per_s = only.arrivals.rate_per_s
        poisson = PoissonBatching(rate_per_s=rate_per_s, batch_size=only.batch_size, timeout_s=only.timeout_s)
        return steady(poisson, measure_s, cooldown_s, method="closed form, Poisson arrivals")
    drawn = _simulated(classes, (warmup_s, measure_s, cooldown_s), sources or {})
    if only is not None and isinstance(only.arrivals, Constant) and drawn is not None:
        rate_per_s = only.arrivals.rate_per_s
        constant = ConstantBatching(rate_per_s=rate_per_s, batch_size=only.batch_size, timeout_s=only.timeout_s)
        return msgspec.structs.replace(
            steady(constant, measure_s, cooldown_s, method=COUNTED),
            by_size_ratio=drawn.by_size_ratio,
            by_timeout_ratio=drawn.by_timeout_ratio,
            by_close_ratio=drawn.by_close_ratio,
        )
    return drawn


def whole(batch_size: float) -> FlushMix:
    """Full load: batches are cut whole, whenever the system takes one."""
    return FlushMix(
        method="full load: batches are cut whole",
        by_size_ratio=1.0,
        by_timeout_ratio=0.0,
        by_close_ratio=0.0,
        records_per_batch=float(batch_size),
        batch_wait_mean_s=None,
        batch_wait_p50_s=None,
        batch_wait_p99_s=None,
    )


def steady(theory: BatchingTheory, window_s: float, cooldown_s: float, *, method: str) -> FlushMix:
    """The mix of a steady stream in a window of W seconds, at whose end or c seconds later the agents close.

    Batches open evenly over the window, so that what is left until the close, x, lies evenly in [c, c + W]. With S the time
    in which a batch fills, D = min(S, T), and L the length of [c, c + W] below T,

        by close    (1 / W) integral over x of P(D > x)           = (E[min(D, c + W)] - E[min(D, c)]) / W
        by timeout  (1 / W) integral over x > T of P(S > T)       = (W - L) / W x (1 - P(S <= T))
        by size     the rest

    Exact if the agents' cycles have no common phase at the window's begin. They all begin with the load, so a phase that
    the warm-up doesn't blur (TIMEOUT always wins and is long) moves the shares by up to one batch an agent; constant
    arrivals keep theirs for ever: `predicted` counts them.
    """

    def open_until_s(limit_s: float) -> float:
        return theory.open_s(min(limit_s, theory.timeout_s))

    below_s = min(max(theory.timeout_s - cooldown_s, 0.0), window_s)
    by_close = (open_until_s(cooldown_s + window_s) - open_until_s(cooldown_s)) / window_s
    by_timeout = (window_s - below_s) / window_s * (1.0 - theory.by_size_ratio())
    return FlushMix(
        method=method,
        by_size_ratio=max(0.0, 1.0 - by_close - by_timeout),  # three roundings may leave -1e-16
        by_timeout_ratio=by_timeout,
        by_close_ratio=by_close,
        records_per_batch=theory.records_per_batch(),
        batch_wait_mean_s=theory.batch_wait_mean_s(),
        batch_wait_p50_s=theory.batch_wait_quantile_s(0.5),
        batch_wait_p99_s=theory.batch_wait_quantile_s(0.99),
    )


def _simulated(
    classes: Sequence[AgentClass], phases_s: tuple[float, float, float], sources: Mapping[str, bytes]
) -> FlushMix | None:
    """The mix of some agents' own schedules, a few of each class, which stand for all of it."""
    begin_ns, end_ns, horizon_ns = (round(each * NS_PER_S) for each in accumulate(phases_s))
    drawn: list[AgentBatches] = []
    for one, numbered in zip(classes, numbers(classes), strict=True):
        drawn += _some(one, numbered, horizon_ns, sources)
    return observed(
        drawn,
        window_ns=(begin_ns, end_ns),
        close_ns=horizon_ns,
        method=f"simulated from the model: {len(drawn)} of {sum(one.agents for one in classes)} agents, another seed",
    )


def _some(one: AgentClass, numbered: range, horizon_ns: int, sources: Mapping[str, bytes]) -> list[AgentBatches]:
    process = cast(OpenLoopProcess, one.arrivals).prepared(sources)
    timeout_ns = round(one.timeout_s * NS_PER_S)
    times: list[Ints] = []
    for agent in numbered[:SIMULATED_AGENTS]:
        times.append(process.draw(SIMULATION_SEED, agent, horizon_ns))
        if sum(map(len, times)) >= SIMULATED_RECORDS:
            break
    weight = one.agents / len(times)
    cuts = (cut(each, one.batch_size, timeout_ns, horizon_ns) for each in times)
    return [
        AgentBatches([each], made.first, made.count, made.time_ns, one.batch_size, timeout_ns, weight)
        for each, made in zip(times, cuts, strict=True)
    ]


def observed(
    agents: Sequence[AgentBatches], *, window_ns: tuple[int, int], close_ns: int, method: str
) -> FlushMix | None:
    """The mix of batches that were cut; None if none opened within `window_ns`. `close_ns`: the load's end. One clock."""
    waits = Waits(agents, window_ns=window_ns, close_ns=close_ns)
    for place, one in enumerate(agents):
        for times, owner in owned(one.arrivals_ns, one.first, one.count):
            waits.count(place, times, owner)
    waits.want()
    for place, one in enumerate(agents):
        for times, owner in owned(one.arrivals_ns, one.first, one.count):
            waits.pick(place, times, owner)
    return waits.mix(method)


class Waits:
    """What the records of some agents' batches waited: counted, then picked, in pieces of an agent in ascending order.

    Args: as for `observed`.
    """

    def __init__(self, agents: Sequence[AgentBatches], *, window_ns: tuple[int, int], close_ns: int) -> None:
        self._agents, self._window_ns, self._close_ns = agents, window_ns, close_ns
        self._opened_ns = [np.full(len(one.first), -1, np.int64) for one in agents]
        self._ranks, self._records = Ranks(), 0
        self._wanted: dict[str, float] = {}

    def count(self, place: int, times: Ints, owner: Ints) -> None:
        """Some of the arrivals of the agent at this place, and the places of their batches in its own."""
        opened_ns = self._opened_ns[place]
        heads = np.flatnonzero(np.diff(owner, prepend=-1))
        opening = heads[opened_ns[owner[heads]] < 0]
        opened_ns[owner[opening]] = times[opening]
        wait_ns = self._of_undisturbed(place, times, owner)
        self._ranks.count(wait_ns, self._agents[place].weight)
        self._records += len(wait_ns)

    def want(self) -> None:
        """Between the walks."""
        # The running sum of equal weights may end a bit below share x sum.
        self._wanted = {
            name: share * self._ranks.total * (1 - 1e-12)
            for name, share, least in (("p50", 0.5, 1), ("p99", 0.99, LEAST_P99_RECORDS))
            if self._records >= least
        }
        self._ranks.want(*self._wanted.values())

    def pick(self, place: int, times: Ints, owner: Ints) -> None:
        """The same again."""
        self._ranks.pick(self._of_undisturbed(place, times, owner), self._agents[place].weight)

    def mix(self, method: str) -> FlushMix | None:
        """After the second walk."""
        ends, batches = np.zeros(3), 0.0
        for one, opened_ns in zip(self._agents, self._opened_ns, strict=True):
            inside = (opened_ns >= self._window_ns[0]) & (opened_ns < self._window_ns[1])
            full = one.count == one.batch_size
            late = ~full & (one.cut_ns - opened_ns == one.timeout_ns)
            ends += one.weight * np.array(
                [(inside & full).sum(), (inside & late).sum(), (inside & ~full & ~late).sum()]
            )
            batches += one.weight * int(self._undisturbed(opened_ns, one.timeout_ns).sum())
        total = float(ends.sum())
        if not total:
            return None
        told_s = {name: self._ranks.at(rank) / NS_PER_S for name, rank in self._wanted.items()}
        return FlushMix(
            method=method,
            by_size_ratio=float(ends[0] / total),
            by_timeout_ratio=float(ends[1] / total),
            by_close_ratio=float(ends[2] / total),
            records_per_batch=self._ranks.total / batches if batches else None,
            batch_wait_mean_s=self._ranks.sum / self._ranks.total / NS_PER_S if self._records else None,
            batch_wait_p50_s=told_s.get("p50"),
            batch_wait_p99_s=told_s.get("p99"),
        )

    def _undisturbed(self, opened_ns: Ints, timeout_ns: int) -> NDArray[np.bool_]:
        begin, end = self._window_ns
        return (opened_ns >= begin) & (opened_ns < end) & (opened_ns + timeout_ns <= self._close_ns)

    def _of_undisturbed(self, place: int, times: Ints, owner: Ints) -> Ints:
        if not len(owner):
            return times
        one, begin, end = self._agents[place], int(owner[0]), int(owner[-1]) + 1
        chosen = self._undisturbed(self._opened_ns[place][begin:end], one.timeout_ns)
        if chosen.all():
            return one.cut_ns[owner] - times
        kept = chosen[owner - begin]
        return one.cut_ns[owner[kept]] - times[kept]
