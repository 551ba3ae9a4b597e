"""The swarm held against the sink: what the load generator does by itself, with no system behind it to blame.

SwarmSpec -> the swarm's own processes and a sink, as in a trial -> its rate, its lag, its CPU time. Nothing is recorded
beyond the folder that is given.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from experiments.deploy.fleet import Fleet
from experiments.deploy.process import ChildProcess, ProcessError
from loadgen.batchlog import BATCH
from loadgen.spec import SwarmSpec

#: The load starts so long after the swarm is told.
_LEAD_NS: Final = 50_000_000
_START_S: Final = 120.0
#: What the sink may take to answer what is left when the load is over.
_DRAIN_S: Final = 30.0


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """One load held against the sink.

    `seconds`: from the first batch's cut to the last one's answer. `cpu_s` and `sink_cpu_s`: CPU time of the swarm and
    of the sink meanwhile. `lag`: how late the schedule was played, as `loadgen.lateness.lateness` gives it; empty under
    full load.
    """

    batches: int
    records: int
    bytes: int
    seconds: float
    cpu_s: float
    sink_cpu_s: float
    lag: dict[str, int]


def calibrate(
    spec: SwarmSpec,
    *,
    cpus: Sequence[int] = (),
    sink_cpus: Sequence[int] = (),
    watch: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Plays a load against a sink.

    Args:
        spec: what to play; `host` and `port` are the sink's. An open loop or `drain`: nothing analyses what is sent, so
            `saturate` would wait for ever.
        cpus, sink_cpus: where swarm and sink run; empty: anywhere.
        watch: told what is being done.

    Raises:
        ProcessError: a process didn't start or died, or the sink didn't answer everything.
    """
    folder = Path(spec.folder)
    sink = ChildProcess(
        "sink", [sys.executable, "-m", "loadgen.sink", "127.0.0.1:0"], folder, cpus=sink_cpus, environment={}
    )
    fleet = None
    try:
        host, _, port = sink.expect("ready ", _START_S).rpartition(":")
        fleet = Fleet(msgspec.structs.replace(spec, host=host, port=int(port)), cpus)
        watch(f"connecting {fleet.connections} connections")
        fleet.wait("ready", _START_S, [sink])
        before, sink_before = fleet.cpu_s(), sink.cpu_s()
        watch("playing")
        fleet.tell(f"go {time.monotonic_ns() + _LEAD_NS}")
        fleet.wait("idle", spec.horizon_s + _DRAIN_S, [sink])
        cpu_s, sink_cpu_s = fleet.cpu_s() - before, sink.cpu_s() - sink_before
        said = fleet.stop(_DRAIN_S)
        sent_bytes = fleet.progress["sent_bytes"]
    finally:
        for process in [sink, *(fleet.processes if fleet is not None else ())]:
            process.stop(grace_s=1.0)
    rows = np.concatenate([np.fromfile(path, BATCH) for path in folder.glob("batches-*.bin")])
    if not len(rows):
        raise ProcessError("the load holds no batch: give it a longer time or a higher rate")
    return Calibration(
        batches=len(rows),
        records=int(rows["count"].sum()),
        bytes=sent_bytes,
        seconds=float(rows["acked_mono_ns"].max() - rows["cut_mono_ns"].min()) / 1e9,
        cpu_s=cpu_s,
        sink_cpu_s=sink_cpu_s,
        lag={name: value for name, value in said.items() if name == "paced" or name.startswith("late_")},
    )
