"""What a swarm process is told: everything that decides the bytes it sends, and where it sends and records them."""

import msgspec

from loadgen.model.fleet import AgentClass


class RecordsSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the records come from: the synthetic ring of a seed, or the lines of files."""

    source: str = "synthetic"
    paths: tuple[str, ...] = ()
    attack_ratio: float = 0.02
    mix: dict[str, float] = {}
    ring_size: int = 16384


class Disconnects(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each connection is lost every `every_s` seconds on average, for `down_s` on average: both exponential."""

    every_s: float
    down_s: float


class SwarmSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One swarm process. Durations in seconds.

    `folder` receives what it writes: batches-N.bin and swarm-N.progress, N being `process` of the `processes` that the
    agents are dealt to. `classes`: all agents, also those that the other processes play; several classes only in an
    open loop. `sources`: what the arrivals read from files (`OpenLoopProcess.sources`); what is missing is read by the
    swarm. `rows_progress`: where the recorder counts what a saturating swarm waits for.
    """

    host: str
    port: int
    folder: str
    rows_progress: str
    epoch: int
    seed: int
    classes: tuple[AgentClass, ...]
    agents_per_connection: int = 1
    processes: int = 1
    process: int = 0
    inflight_batches: int
    buffer_batches: int
    disconnects: Disconnects | None = None
    horizon_s: float
    records: RecordsSpec
    sources: dict[str, bytes] = {}
    tag: str = "caudal"

    @property
    def agents(self) -> int:
        """How many there are in all processes together."""
        return sum(one.agents for one in self.classes)
