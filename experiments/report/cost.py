"""The cost of a record by stage, as a section of report.html: a table a trial, then wires, queues, and what is missing.

Reads `cost` and `queues` of a trial's summary; nothing is computed here but the scale of a unit.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from experiments.metrics.trial import TrialSummary
from experiments.report.table import table

#: Rows: the name in `cost`, the title, and by what to multiply.
_COSTS: Final = (
    ("cpu_s_per_million_records", "CPU s, a million records", 1.0),
    ("context_switches_per_thousand_records", "context switches, a thousand records", 1.0),
    ("involuntary_switches_per_thousand_records", "of these involuntary", 1.0),
    ("syscalls_per_thousand_records", "system calls, a thousand records", 1.0),
    ("read_write_calls_per_thousand_records", "read and write calls, a thousand records", 1.0),
    ("redis_bytes_per_record", "bytes to and from the broker, a record", 1.0),
    ("redis_commands_per_batch", "Redis commands, a batch", 1.0),
    ("resident_bytes", "resident memory, MB", 1e-6),
    ("proportional_bytes", "the same, shared pages by share, MB", 1e-6),
)

#: Columns, along the way of a record; then what belongs to the instrument.
_PARTS: Final = (
    "gateway", "broker", "workers", "worker_parents", "worker_children", "sweeper", "swarm", "recorder", "runner", "probes",
    "other",
)  # fmt: skip

_NOTE: Final = (
    "<p>Within the measured window, by part. Workers are their Celery parents and children; swarm, recorder, runner and"
    " probes are the instrument. Redis commands include those that a part's scripts ran; read and write calls don't"
    " include send and recv. No figure (–) says why below.</p>"
)


def cost_section(trials: Sequence[TrialSummary], names: Mapping[int, str]) -> Iterator[str]:
    """The section without its heading; `names` titles each trial by its index. Nothing for a trial that failed."""
    yield _NOTE
    for trial in trials:
        if not trial.cost:
            continue
        found = [(title, trial.cost.get(name) or {}, scale) for name, title, scale in _COSTS]
        parts = [part for part in _PARTS if any(part in one for _, one, _ in found)]
        rows = ([title, *(_number(one.get(part), scale) for part in parts)] for title, one, scale in found)
        yield f"<h3>{html.escape(names[trial.index])}</h3>"
        yield table(["", *(part.replace("_", " ") for part in parts)], rows)
        yield f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in _lines(trial))}</ul>"


def _lines(trial: TrialSummary) -> Iterator[str]:
    wires = trial.cost.get("wire_bytes_per_record") or {}
    told = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in wires.items() if value is not None]
    if told:
        yield f"bytes a record on the wire: {', '.join(told)}"
    if (connection := trial.cost.get("gateway_resident_bytes_per_connection")) is not None:
        yield f"gateway memory a connection, batches in hand included: {_number(connection, 1e-3)} kB"
    for name, one in trial.queues.items():
        yield f"{name.replace('_', ' ')}: {one.mean:,.1f} on average, {one.max:,.0f} at most ({one.samples} samples)"
    if (own := trial.cost.get("probes_cpu_ratio")) is not None:
        yield f"the probes took {own:.2%} of one CPU"
    for name, why in trial.cost.get("missing", {}).items():
        yield f"no {name.replace('_', ' ')}: {why}"


def _number(value: float | None, scale: float = 1.0) -> str | None:
    return None if value is None else f"{value * scale:,.2f}"
