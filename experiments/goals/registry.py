"""Every goal, and the bench that gives its figure: one entry a goal. Those end to end come from trials (end_to_end.py)."""

from collections.abc import Callable, Mapping
from typing import Final

from experiments.goals import gateway, swarm, worker
from experiments.goals.goal import Goal

#: Records a second by BATCH_SIZE, swarm, gateway, broker and workers together.
END_TO_END: Final[Mapping[int, Goal]] = {
    1: Goal(what="end to end, BATCH_SIZE 1", wanted=20_000, unit="records/s"),
    100: Goal(what="end to end, BATCH_SIZE 100", wanted=300_000, unit="records/s"),
    1000: Goal(what="end to end, BATCH_SIZE 1000", wanted=2_000_000, unit="records/s"),
}

#: The 99th percentile at half of these loads, from the batch's cut.
AT_HALF: Final[Mapping[int, Goal]] = {
    size: Goal(what=f"p99 without batch wait at {one.wanted / 2:,.0f} records/s, BATCH_SIZE {size}", wanted=50, unit="ms",
               at_most=True)
    for size, one in END_TO_END.items()
}  # fmt: skip

#: By the name for `--only`: what needs no trial, each with what gives one value.
BENCHES: Final[Mapping[str, tuple[Goal, Callable[[], float]]]] = {
    "worker": (
        Goal(what="worker: clean bytes located and scanned", wanted=1.0, unit="GB a CPU second"),
        lambda: worker.clean_bytes_a_cpu_second() / 1e9,
    ),
    "gateway-copies": (
        Goal(what="gateway: CPU by that of a bare loop, BATCH_SIZE 1000", wanted=1.3, unit="times", at_most=True),
        gateway.against_a_bare_loop,
    ),
    "gateway-batches": (
        Goal(what="gateway: batches at BATCH_SIZE 1, 200 agents", wanted=30_000, unit="a CPU second"),
        gateway.batches_a_cpu_second,
    ),
    "gateway-idle": (
        Goal(what="gateway: 10,000 idle connections", wanted=100, unit="MB", at_most=True),
        lambda: gateway.idle_bytes() / 1e6,
    ),
    "swarm-bytes": (
        Goal(what="swarm: pre-rendered records sent", wanted=2.0, unit="GB a CPU second"),
        lambda: swarm.bytes_a_cpu_second() / 1e9,
    ),
    "planning": (
        Goal(what="swarm: records planned, Poisson", wanted=20e6, unit="a CPU second"),
        swarm.planned_a_cpu_second,
    ),
    "agents": (
        Goal(what="swarm: 100,000 virtual agents in a process", wanted=1000, unit="MB", at_most=True),
        lambda: swarm.agents_bytes() / 1e6,
    ),
}
