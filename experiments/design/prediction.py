"""What a cell will show before it is run, from its settings: how its agents batch, what they offer, and whether the workers
can carry that.

Flow: a cell's `TrialConfig`, the CPUs there are, and how fast one core scans here (measured by
`experiments.machine.scan_speed`, or unknown) -> `Prediction`, which `caveats` judges and `caudal plan` prints. Pure.

Invariant: scanning is all that is counted of the workers' work. Celery, the payload's way and the commit come on top, and
other parts may share the cores: so utilisation and drain time are lower bounds, and are shown as such.
"""

import msgspec

from experiments.design.trial_config import TrialConfig
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.process import NS_PER_S, OpenLoopProcess
from loadgen.model.arrivals.saturate import Saturate
from loadgen.model.flush_mix import FlushMix, predicted
from system.settings import Emulated


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One cell's.

    Args:
        mix: how its agents batch; None if they are expected to open no batch within the window.
        offered_records_per_s: over the whole load; None under full load, which offers what is taken.
        limit_records_per_s: what the workers can scan at most; None if unknown.
        utilisation_ratio: offered by limit, at least; above 1 is overload. 1 under full load, None if unknown.
        drain_s: how long what is left at the load's end takes to empty, at least; None if unknown.
    """

    mix: FlushMix | None
    offered_records_per_s: float | None
    limit_records_per_s: float | None
    utilisation_ratio: float | None
    drain_s: float | None


def predict(config: TrialConfig, cpus: int, scan_records_per_s: float | None) -> Prediction:
    """Gives a cell's prediction.

    Args:
        cpus: how many this process may use.
        scan_records_per_s: of one core, with the cell's engine and batches; None if unknown. The engine `emulated` waits
            and needs none.
    """
    phases = config.trial
    mix = flush_mix(config)
    limit = _limit(config, cpus, scan_records_per_s, mix)
    arrivals = config.swarm.arrivals
    if isinstance(arrivals, OpenLoopProcess):
        offered = offered_records_per_s(config)
        left = None if limit is None else max(0.0, offered - limit) * phases.load_s
        utilisation = None if limit is None else offered / limit
    else:
        batches = 0
        if isinstance(arrivals, Saturate):
            batches = arrivals.window(config.swarm.batch_size)
        elif isinstance(arrivals, Drain):
            batches = arrivals.backlog_batches
        offered, utilisation, left = None, 1.0, float(batches * config.swarm.batch_size)
    return Prediction(
        mix=mix,
        offered_records_per_s=offered,
        limit_records_per_s=limit,
        utilisation_ratio=utilisation,
        drain_s=None if limit is None or left is None else left / limit,
    )


def flush_mix(config: TrialConfig) -> FlushMix | None:
    """How a cell's agents batch."""
    phases = config.trial
    return predicted(
        config.swarm.fleet(), warmup_s=phases.warmup_s, measure_s=phases.measure_s, cooldown_s=phases.cooldown_s
    )


def offered_records_per_s(config: TrialConfig) -> float:
    """What an open loop's agents offer together, on average over the whole load."""
    load_s = config.trial.load_s
    horizon_ns = round(load_s * NS_PER_S)
    return sum(
        one.agents * one.arrivals.prepared({}).expected_records(horizon_ns) / load_s
        for one in config.swarm.fleet()
        if isinstance(one.arrivals, OpenLoopProcess)
    )


def worker_cores(config: TrialConfig, cpus: int) -> int:
    """How many cores the workers get: those that are named, or that there are."""
    named = config.placement.workers
    there = cpus if named is None else len(named)
    return there if config.system.worker_cores == "all" else config.system.worker_cores


def children(config: TrialConfig, cpus: int) -> int:
    """How many tasks run at once, over all worker nodes: one a node where the pool is `solo`."""
    system = config.system
    if system.worker_pool == "solo":
        return system.worker_nodes
    own = worker_cores(config, cpus) if system.worker_concurrency == "cores" else system.worker_concurrency
    return system.worker_nodes * own


def _limit(config: TrialConfig, cpus: int, scan_records_per_s: float | None, mix: FlushMix | None) -> float | None:
    if config.deploy.kind == "attach":
        return None  # the workers run on cores that nobody here knows
    scanning = children(config, cpus)
    if config.system.engine == "emulated":
        return scanning * _emulated(config.system.emulated, mix)
    if scan_records_per_s is None:
        return None
    # Greenlets share a thread. Threads share the interpreter, but an engine may let go of it: all cores bound them.
    processes = config.system.worker_nodes if config.system.worker_pool == "gevent" else scanning
    return min(processes, worker_cores(config, cpus)) * scan_records_per_s


def _emulated(emulated: Emulated, mix: FlushMix | None) -> float:
    """Records a second of one child that waits instead of scanning."""
    if emulated.per == "record" or mix is None or mix.records_per_batch is None:
        return 1.0 / emulated.service_s
    return mix.records_per_batch / emulated.service_s
