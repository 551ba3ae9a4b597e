"""What a swarm process is told: everything that decides the bytes it sends, and where it sends and records them."""

import msgspec

from loadgen.model.arrivals.registry import Arrivals


class RecordsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the records come from: the synthetic ring of a seed, or the lines of files."""

    source: str = "synthetic"
    paths: tuple[str, ...] = ()
    attack_ratio: float = 0.02
    mix: dict[str, float] = {}
    ring_size: int = 16384


class SwarmSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One swarm process. Durations in seconds; `folder` receives batches.bin and the progress file.

    `sources`: what the arrivals read from files (`OpenLoopProcess.sources`); what is missing is read by the swarm.
    """

    host: str
    port: int
    folder: str
    rows_progress: str
    epoch: int
    seed: int
    agents: int
    batch_size: int
    timeout_s: float
    pause_s: float
    inflight_batches: int
    buffer_batches: int
    horizon_s: float
    arrivals: Arrivals
    records: RecordsSpec
    sources: dict[str, bytes] = {}
    tag: str = "caudal"
