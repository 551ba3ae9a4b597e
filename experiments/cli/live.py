"""What a moment of a running trial says, as text: each stage's rate, CPUs and what waits, the ledger and quantiles so far.

Pure: counters and the probes' last samples in, a view out. What no probe has read is shown as a dash.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from experiments.probes.sampler import Sample
from loadgen.passage import BUCKETS, quantile_s

_UNKNOWN: Final = "–"

#: By probe: the sample before the last one, and the last.
Latest = Mapping[str, tuple[Sample | None, Sample]]


class Stage(NamedTuple):
    """A row: the stage, what its rate counts, the rate, how many CPUs it uses, and what waits in it."""

    name: str
    what: str
    rate: str
    cpus: str
    waiting: str


class View(NamedTuple):
    """All that is shown of a moment."""

    stages: list[Stage]
    ledger: str
    passage: str


def view(counts: Mapping[str, int], last: Mapping[str, int], span_s: float, probes: Latest) -> View:
    """The view of a moment.

    Args:
        counts, last: the counters of swarm and recorder (`row_...`), now and when last shown, `span_s` seconds ago.
        probes: what the probes read last.
    """

    def rate(name: str) -> str:
        return f"{(counts[name] - last[name]) / span_s:,.0f}/s" if span_s > 0.05 else "…"

    cpus = _cpus(probes)
    queues = {one.figure: one.value for one in probes["queue"][1].readings} if "queue" in probes else {}

    def waits(figure: str) -> str:
        return f"{queues[figure]:,.0f}" if figure in queues else _UNKNOWN

    unsent = counts["cut_batches"] - counts["sent_batches"] - counts["overflowed_batches"]
    unanswered = counts["sent_batches"] - counts["acked_batches"]
    broker = f"{waits('queued_tasks')} tasks queued, {waits('held_tasks')} held; {waits('waiting_rows')} rows"
    stages = [
        Stage("agents", "cut", rate("cut_records"), cpus.get("swarm", _UNKNOWN), f"{unsent:,} batches unsent"),
        Stage("wire", "sent", rate("sent_records"), "", f"{unanswered:,} batches unanswered"),
        Stage(
            "gateway", "taken", rate("acked_records"), cpus.get("gateway", _UNKNOWN), f"{counts['connected']:,} agents"
        ),
        Stage("broker", "", "", cpus.get("broker", _UNKNOWN), broker),
        Stage(
            "workers", "analysed", rate("row_records"), cpus.get("workers", _UNKNOWN), f"{counts['row_hits']:,} hits"
        ),
    ]
    return View(stages, _ledger(counts), _passage(counts))


def _cpus(probes: Latest) -> dict[str, str]:
    """CPUs in use between the last two samples, by stage; Celery's parents and children are the workers."""
    if "processes" not in probes or probes["processes"][0] is None:
        return {}
    before, after = probes["processes"]
    assert before is not None
    seconds = (after.at_mono_ns - before.at_mono_ns) / 1e9
    used: dict[str, float] = {}
    for sample, sign in ((before, -1), (after, 1)):
        for part, figure, value in sample.readings:
            if figure == "cpu_s":
                stage = "workers" if part.startswith("worker_") else part
                used[stage] = used.get(stage, 0.0) + sign * value
    return {stage: f"{spent / seconds:.2f}" for stage, spent in used.items()} if seconds > 0 else {}


def _ledger(counts: Mapping[str, int]) -> str:
    """In batches: of them the counters of a running trial tell every stage."""
    acked, analysed, dead = counts["acked_batches"], counts["row_batches"], counts["row_dead_batches"]
    told = f"{counts['cut_batches']:,} batches cut, {acked:,} acknowledged, {analysed:,} analysed"
    told += "".join(
        f", {n:,} {what}" for n, what in ((counts["overflowed_batches"], "overflowed"), (dead, "dead")) if n
    )
    return f"{told}, {max(0, acked - analysed - dead):,} open"


def _passage(counts: Mapping[str, int]) -> str:
    """Quantiles so far of what the recorder counts: gateway to the end of the scan; bounds, as its buckets have a width."""
    buckets = np.array([counts[f"row_{name}"] for name in BUCKETS])
    found = [(name, quantile_s(buckets, q)) for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))]
    told = [f"{name} ≤ {value * 1e3:,.{0 if value >= 0.1 else 1}f} ms" for name, value in found if value is not None]
    return f"{', '.join(told)} (gateway to scan's end)" if told else _UNKNOWN
