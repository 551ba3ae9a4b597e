"""What one trial is run with: a cell of the experiment, decoded and checked, with nothing left to look up.

`config` makes one for each cell before anything runs; it is what a run's manifest holds, and its JSON decodes to
itself.
"""

from typing import Annotated, Literal

import msgspec

from experiments.design.swarm import PositiveSeconds, Seconds, Swarm
from experiments.faults.registry import AnyFault
from experiments.metrics.validity.limits import Limits
from experiments.probes.registry import DEFAULT
from system.settings import SystemSettings

Cpus = Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=65_535)], ...], msgspec.Meta(min_length=1)]
HostPort = Annotated[str, msgspec.Meta(pattern=r"^.+:\d{1,5}$")]
RedisUrl = Annotated[str, msgspec.Meta(pattern=r"^(unix://.+|rediss?://(.*@)?(\[.+\]|[^/:@]+)(:\d+)?(/.*)?)$")]


class Placement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The CPUs each part is pinned to; what is left out is placed by the deployment."""

    swarm: Cpus | None = None
    gateway: Cpus | None = None
    broker: Cpus | None = None
    celery_parents: Cpus | None = None
    workers: Cpus | None = None


class Deploy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the system comes from: started here (`local`), on the named server, a running one, or the embedded one; or
    running already (`attach`), taking messages at `listen` and kept in `redis_url`. `broker_delay_s`: see docs/config.md."""

    kind: Literal["local", "attach"] = "local"
    listen: HostPort | None = None
    redis_server: str | None = None
    redis_url: RedisUrl | None = None
    broker_delay_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0


class Phases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[trial]` table: how long a trial warms up, is measured, and may take to empty the queue.

    `label` names a cell where its levels are too many to read: the steps of a walk. It changes nothing in the trial.
    """

    warmup_s: Seconds = 2.0
    measure_s: PositiveSeconds = 10.0
    cooldown_s: Seconds = 0.0
    drain_timeout_s: PositiveSeconds = 60.0
    label: Annotated[str, msgspec.Meta(max_length=60)] = ""

    @property
    def load_s(self) -> float:
        """How long the load lasts."""
        return self.warmup_s + self.measure_s + self.cooldown_s


class Probes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[probes]` table: what is sampled from outside while a trial runs, and how often."""

    names: tuple[str, ...] = DEFAULT
    period_s: Annotated[float, msgspec.Meta(ge=0.01, le=3600)] = 0.1


class Objectives(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Upper limits of the response time's percentiles: for the capacity search and the verdict."""

    p50_response_s: PositiveSeconds | None = None
    p90_response_s: PositiveSeconds | None = None
    p99_response_s: PositiveSeconds | None = None
    p999_response_s: PositiveSeconds | None = None


class TrialConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cell's settings: profile, then the config's keys, then the cell's factors."""

    swarm: Swarm
    system: SystemSettings = SystemSettings()
    placement: Placement = Placement()
    deploy: Deploy = Deploy()
    trial: Phases = Phases()
    probes: Probes = Probes()
    validity: Limits = Limits()
    faults: tuple[AnyFault, ...] = ()
    objectives: Objectives = Objectives()
