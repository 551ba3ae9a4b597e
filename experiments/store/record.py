"""What the runner noted of one trial beside its tables: everything the analysis needs and can't compute from them.

Sealed as trial.json. Instants are CLOCK_MONOTONIC ns of the runner's host.
"""

from typing import Any

import msgspec

#: Raised by one when a stored field changes its meaning; readers keep reading the older ones.
#: 2: a trial whose system died has tables and a ledger beside its `failure`; in 1 a failed trial had nothing.
SCHEMA_VERSION = 2


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the swarm was told, as far as arrivals and ground truth follow from it.

    `classes`: the agents class by class (`loadgen.model.fleet.AgentClass`); empty where all are alike. `sources` holds
    what the arrivals read from files, packed: a sealed result needs none of them.
    """

    arrivals: dict[str, Any]
    open_loop: bool
    agents: int
    batch_size: int
    timeout_s: float
    pause_s: float
    horizon_s: float
    records: dict[str, Any]
    fingerprint: str | None = None
    classes: list[dict[str, Any]] = []
    agents_per_connection: int = 1
    sources: dict[str, bytes] = {}


class ProbeNote(msgspec.Struct, frozen=True, kw_only=True):
    """One probe of a trial: how many samples it gave, what CPU time that took, and what it couldn't read.

    `missing` says of a figure, or of a part's figure, why there is none; `failures` of a reason how many samples it cost.
    """

    samples: int
    cpu_s: float
    missing: dict[str, str] = {}
    failures: dict[str, int] = {}


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One host's CLOCK_MONOTONIC against the runner's: what to add to its instants, and how far that may be wrong."""

    host: str
    offset_s: float = 0.0
    uncertainty_s: float = 0.0


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One trial: where it stands in the plan, what was observed around it, and how it ended.

    `window` is the measured part. `left` holds (agent, first, count) of the batches still in the system at the end.
    `cpu_s` is CPU time a part within the window. `probes` is None in results from before there were any: they have no
    table of samples. `signatures` names the signature numbers of the hits table.
    `clocks` has one entry a host whose instants stand in the tables; the runner's own is at offset 0 by definition.
    `detects` is false if the engine looks for nothing, so that there is nothing to judge.
    `failure`: what of the system died unasked, or why there is no measurement at all (then there are no tables).
    `repeated`: why each earlier attempt at this trial was invalid, if there were any: nothing else is kept of them.
    """

    schema_version: int = SCHEMA_VERSION
    index: int
    block: int
    cell_index: int
    cell: dict[str, Any]
    replicate: int
    seed: int
    epoch: int
    load: Load
    config: dict[str, Any]
    start_mono_ns: int = 0
    window: tuple[int, int] = (0, 0)
    planned: int = 0
    recorded_rows: int = 0
    counters: dict[str, int] = {}
    left: list[tuple[int, int, int]] = []
    cpu_s: dict[str, float] = {}
    probes: dict[str, ProbeNote] | None = None
    signatures: list[str] = []
    detects: bool = True
    swarm: dict[str, int] = {}
    clocks: list[Clock] = []
    faults: list[dict[str, Any]] = []
    target: dict[str, Any] = {}
    failure: str | None = None
    repeated: list[list[str]] = []
    wall_s: float = 0.0
