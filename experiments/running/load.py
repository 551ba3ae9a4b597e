"""What a trial's swarm is told, made of its config: the load as it is sealed, and the spec of the swarm's processes."""

from collections.abc import Mapping

import msgspec

from experiments.design.swarm import Swarm
from experiments.design.trial_config import Phases
from experiments.store.record import Load
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.spec import Disconnects, RecordsSpec, SwarmSpec


def load_of(swarm: Swarm, phases: Phases) -> Load:
    """What arrivals and ground truth follow from; fingerprint and sources are known later."""
    fleet = swarm.fleet()
    return Load(
        arrivals=msgspec.to_builtins(swarm.arrivals),
        open_loop=swarm.arrivals.open_loop,
        agents=sum(one.agents for one in fleet),
        batch_size=swarm.batch_size,
        timeout_s=swarm.timeout_s,
        pause_s=swarm.pause_s,
        horizon_s=phases.load_s,
        records=msgspec.to_builtins(records_of(swarm)),
        agents_per_connection=swarm.agents_per_connection,
        classes=[msgspec.to_builtins(one) for one in fleet] if swarm.classes else [],
    )


def records_of(swarm: Swarm) -> RecordsSpec:
    """Where the records come from."""
    mix = msgspec.to_builtins(swarm.records.mix)
    return RecordsSpec(
        source=swarm.records.source,
        paths=swarm.records.paths,
        attack_ratio=swarm.records.attack_ratio,
        mix={kind: share for kind, share in mix.items() if share > 0},
        ring_size=swarm.records.ring_size,
    )


def sources_of(swarm: Swarm) -> dict[str, bytes]:
    """What the arrivals of all classes read from files: once, for swarm and result alike. Raises: ValueError."""
    found: dict[str, bytes] = {}
    for one in swarm.fleet():
        if isinstance(one.arrivals, OpenLoopProcess):
            found |= one.arrivals.sources()
    return found


def spec_of(
    swarm: Swarm,
    phases: Phases,
    *,
    host: str,
    port: int,
    folder: str,
    rows_progress: str,
    epoch: int,
    seed: int,
    sources: Mapping[str, bytes],
) -> SwarmSpec:
    """What the first of the swarm's processes is told; the others differ in `process` alone."""
    losses = swarm.disconnects
    return SwarmSpec(
        host=host,
        port=port,
        folder=folder,
        rows_progress=rows_progress,
        epoch=epoch,
        seed=seed,
        classes=swarm.fleet(),
        agents_per_connection=swarm.agents_per_connection,
        processes=swarm.processes,
        inflight_batches=swarm.inflight_batches,
        buffer_batches=swarm.buffer_batches,
        disconnects=None if losses is None else Disconnects(every_s=losses.every_s, down_s=losses.down_s),
        horizon_s=phases.load_s,
        records=records_of(swarm),
        sources=dict(sources),
    )
