"""What a process of the system is told: its settings, the profiles, and the one reader of the environment.

A deployment resolves `SystemSettings` (profile, then the config's keys, then the cell's factors) and hands it to the
gateway, the workers and the sweeper as JSON in `CAUDAL_SETTINGS`. Nothing else in `system/` reads the environment.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
PositiveFloat = Annotated[float, msgspec.Meta(gt=0)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's limits on the envelope (what is inside a payload is the worker's to judge).

    Start values: WIRE facts (real clients send messages of up to 8 MB) and the sizes of a 2-core machine.
    """

    frame_bytes: PositiveInt = 16 * 1024 * 1024
    connections: PositiveInt = 20_000
    frame_deadline_s: PositiveFloat = 10.0
    connection_inflight_bytes: PositiveInt = 32 * 1024 * 1024
    inflight_bytes: PositiveInt = 256 * 1024 * 1024


class Emulated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the engine `emulated` waits: `service_s` on average, for each batch or each record (engine/service_time.py)."""

    distribution: Literal["constant", "exponential"] = "constant"
    service_s: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 0.001
    per: Literal["batch", "record"] = "batch"
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1


class SystemSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The system under test: every key of a config's `[system]` table.

    `worker_chatter` lets Celery's nodes gossip, mingle and send heartbeats, as they do by default.

    `handoff` says what a Celery task carries: the records, decoded (`arguments`), or the name of a payload that lies in
    Redis (`claim_check`). `journal` makes delivery ours to guarantee (docs/adr/0002); it needs the claim check. With `fsync`
    what is acknowledged is on the broker's disk (broker/durable.py). `variant` names an alternative to a part of the design
    (variants/registry.py).
    """

    profile: Literal["memoria", "tuned", "durable"] = "tuned"
    engine: str = "hyperscan"
    rules: tuple[str, ...] = ("builtin",)
    worker_nodes: PositiveInt = 1
    worker_cores: PositiveInt | Literal["all"] = "all"
    worker_concurrency: PositiveInt | Literal["cores"] = "cores"
    publisher: str = "pipelined"
    handoff: Literal["arguments", "claim_check"] = "claim_check"
    journal: bool = True
    fsync: bool = False
    coalesce: PositiveInt = 1
    coalesce_bytes: PositiveInt = 8 * 1024 * 1024
    worker_pool: Literal["prefork", "threads", "solo", "gevent"] = "prefork"
    worker_chatter: bool = False
    attempts: PositiveInt = 3
    sweep_age_s: PositiveFloat = 20.0
    sweep_period_s: PositiveFloat = 2.0
    rows_limit: PositiveInt = 1_000_000
    limits: Limits = Limits()
    variant: str = "real"
    emulated: Emulated = Emulated()
    celery: dict[str, Any] = {}


#: Celery settings under which a batch survives its worker: acknowledged late, redelivered soon, never by luck alone
#: (docs/adr/0002). A message that no worker acknowledges comes back after `visibility_timeout`.
_SAFE_CELERY: dict[str, Any] = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_time_limit": 20,
    "task_soft_time_limit": 15,
    "worker_prefetch_multiplier": 4,
    "worker_enable_remote_control": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_channel_error_retry": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "visibility_timeout": 45,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    },
}

_TUNED: dict[str, Any] = {
    "engine": "hyperscan",
    "publisher": "pipelined",
    "handoff": "claim_check",
    "journal": True,
    "coalesce": 256,
    "celery": _SAFE_CELERY,
}

#: What each profile sets beside the defaults above. Precedence: profile, then the config's keys, then the cell's factors.
PROFILES: dict[str, dict[str, Any]] = {
    "memoria": {
        "engine": "re",
        "publisher": "celery",
        "handoff": "arguments",
        "journal": False,
        "coalesce": 1,
        "worker_chatter": True,
    },
    "tuned": _TUNED,
    "durable": {**_TUNED, "fsync": True},
}


class Process(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One process's share of a deployment: the system's settings, where its broker is, and its own name.

    `waits`: it begins by waiting until the broker answers.
    """

    system: SystemSettings
    redis_url: str = "redis://127.0.0.1:6379/0"
    node: int = 0
    concurrency: PositiveInt = 1
    child_cpus: tuple[int, ...] = ()
    detections: bool = False
    waits: bool = True


#: The variable that carries a `Process` as JSON.
VARIABLE = "CAUDAL_SETTINGS"


def from_environment() -> Process:
    """The settings this process was started with.

    Raises: RuntimeError if `CAUDAL_SETTINGS` is not set; msgspec.ValidationError if it doesn't decode.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        raise RuntimeError(f"{VARIABLE} is not set: start this process with `caudal worker` or through a deployment")
    return msgspec.json.decode(text, type=Process)


def to_environment(process: Process) -> dict[str, str]:
    """The variables that hand `process` to a child process."""
    return {VARIABLE: msgspec.json.encode(process).decode()}


def cache_folder() -> Path:
    """Where compiled databases are kept between runs: `caudal` in XDG_CACHE_HOME, else in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "caudal"
