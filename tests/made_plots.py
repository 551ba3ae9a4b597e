"""Made-up runs that every plot has something to draw of: their cells, what is wrong in them, and their findings."""

from pathlib import Path
from typing import Any

from experiments.analysis.findings import Findings, findings
from tests.made_run import made_run
from tests.made_trial import START, Made

WALK = [
    {"trial.label": "plain", "system.engine": "re", "system.coalesce": 1},
    {"trial.label": "+ hyperscan", "system.engine": "hyperscan", "system.coalesce": 1},
    {"trial.label": "+ coalescing", "system.engine": "hyperscan", "system.coalesce": 64},
]
BATCHING = [{"swarm.batch_size": size, "swarm.timeout_s": wait} for size in (10, 50) for wait in (0.05, 0.5)]
CORES = [{"system.worker_cores": cores, "system.engine": "re"} for cores in (1, "all")]

EMULATED = [{"system.engine": "emulated", "system.worker_concurrency": count} for count in (1, 2, 4, 8, 16)]

CLAIM = [{"system.engine": "re"}, {"system.engine": "hyperscan"}]
HYPOTHESES = [
    {
        "says": "H",
        "figure": "carried_records_per_s",
        "design": "engine hyperscan",
        "alternative": "engine re",
        "margin": 1.5,
    }
]

CELLS = {
    "hypotheses": CLAIM,
    "emulated_scaling": EMULATED,
    "ablation": WALK,
    "batching_frontier": BATCHING,
    "throughput_vs_cores": CORES,
}


def cells_of(plot: str) -> list[dict[str, Any]]:
    return CELLS.get(plot, WALK)


def with_something_wrong(one: Made, cell: dict[str, Any], replicate: int) -> Made:
    """Workers on as many CPUs as the cell says; slower with each step; one trial invalid, and one with a fault."""
    cpus = [0, 1] if cell.get("system.worker_cores") == "all" else [0]
    one = one.with_record(target={"placement": {"workers": cpus}})
    if cell in EMULATED:
        servers = cell["system.worker_concurrency"]
        one = one.with_record(
            target={"worker_concurrency": servers},
            config={"system": {"engine": "emulated", "worker_nodes": 1, "emulated": {"service_s": 0.02}}},
            cpu_s={
                "gateway": 0.1,
                "broker": 0.05,
                "workers": 3.5 if servers == 16 else 0.6,
                "swarm": 0.2,
            },  # of 2 cores in 2 s
        )
    if replicate == 0:
        one = one.with_record(faults=[{"kind": "kill_worker_child", "at_s": 2.0, "at_mono_ns": START + 2 * 10**9}])
    invalid = replicate == 0 and cell in (WALK[1], BATCHING[1], CORES[1], EMULATED[1], CLAIM[1])
    return one.with_record(swarm={"bad_acks": 1}) if invalid else one


class MadeFindings:
    """The findings of the run that a plot is tried on, by its name; each run is made once, under the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[int, Findings] = {}

    def __call__(self, plot: str) -> Findings:
        cells = cells_of(plot)
        if id(cells) not in self._known:
            run = made_run(
                self._folder / plot, cells, change=with_something_wrong, steps=cells is WALK,
                hypotheses=HYPOTHESES if cells is CLAIM else (),
            )  # fmt: skip
            self._known[id(cells)] = findings(run)
        return self._known[id(cells)]
