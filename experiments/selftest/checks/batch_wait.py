"""The batch wait under BATCH_SIZE and TIMEOUT against its closed form for Poisson arrivals, and the share cut by size.

Waits are those of the summary: from each record's arrival, drawn again, to its batch's cut, as the swarm logged it. Agents
are independent of one another, so the interval comes from the spread over agents.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.stats import t as student

from experiments.metrics.response import arrivals, join
from experiments.selftest.check import Check
from experiments.selftest.result import CONFIDENCE, Result, compared
from experiments.selftest.seen import Floats, Seen
from loadgen.model.theory import PoissonBatching


def ratio_half_width(sums: Floats, counts: Floats) -> float:
    """Half the interval of sum(sums) / sum(counts) over independent units (Cochran, Sampling Techniques, 1977, 6.4)."""
    n = len(sums)
    ratio = sums.sum() / counts.sum()
    spread = math.sqrt(float(np.sum((sums - ratio * counts) ** 2)) / (n - 1) / n) / float(counts.mean())
    return float(student.ppf((1 + CONFIDENCE) / 2, n - 1)) * spread


def _compare(scenes: Mapping[str, Seen]) -> Iterator[Result]:
    seen = scenes["batching"]
    load, record = seen.record.load, seen.record
    theory = PoissonBatching(
        rate_per_s=load.arrivals["rate_per_s"], batch_size=load.batch_size, timeout_s=load.timeout_s
    )
    done = join(seen.tables.batches, seen.tables.results)
    at, owner = map(np.concatenate, zip(*arrivals(load, record.seed, record.start_mono_ns, done), strict=True))
    begin, end = record.window
    inside = (at >= begin) & (at < end)
    at, owner = at[inside], owner[inside]
    waits_s = (done["cut_mono_ns"][owner] - at) / 1e9
    agent = done["agent"][owner]
    sums = np.bincount(agent, weights=waits_s, minlength=load.agents).astype(np.float64)
    counts = np.bincount(agent, minlength=load.agents).astype(np.float64)
    mean = theory.batch_wait_mean_s() * 1e3
    # The summary's own figure: what is printed is what is checked.
    told = seen.summary.stages_s["batch_wait"].mean
    yield compared(
        "batch wait", mean, math.nan if told is None else told * 1e3, ratio_half_width(sums, counts) * 1e3,
        unit="ms", allowed=0.0, sharp=0.03 * mean,
        why=f"mean of the summary over {len(at)} records against the closed form; interval over {load.agents} agents",
    )  # fmt: skip
    rest = [one.mean for stage, one in seen.summary.stages_s.items() if stage != "batch_wait"]
    response = seen.summary.response_time_s.mean
    known = [one for one in (response, *rest) if one is not None]
    within = known[0] - sum(known[1:]) if len(known) == 1 + len(rest) else math.nan
    yield compared(
        "batch wait in response time", mean, within * 1e3, ratio_half_width(sums, counts) * 1e3,
        unit="ms", allowed=0.0, sharp=0.03 * mean,
        why="mean response time less all stages after the cut: it counts from the arrival, or this is missing",
    )  # fmt: skip
    cut = (done["cut_mono_ns"] >= begin) & (done["cut_mono_ns"] < end)
    filled = done["count"][cut] == load.batch_size
    full = np.bincount(done["agent"][cut], weights=filled, minlength=load.agents).astype(np.float64)
    batches = np.bincount(done["agent"][cut], minlength=load.agents).astype(np.float64)
    share = theory.by_size_ratio()
    yield compared(
        "batches cut by size", share, float(full.sum() / batches.sum()), ratio_half_width(full, batches),
        unit="ratio", allowed=0.0, sharp=0.3 * share, why=f"share of {int(batches.sum())} batches against the closed form",
    )  # fmt: skip


CHECK = Check("batch wait", ("batching",), _compare)
