"""What a record cost, by part: CPU time, context switches, calls, bytes, Redis commands, memory, within the window.

Reads a trial's record and its probes. A figure that can't be given is None here, and `missing` says why: because nothing was
carried, because its probe wasn't asked for, or because the machine doesn't let it be read.
"""

from typing import Any, Final, NamedTuple

from experiments.metrics.samples import increases, latest, level
from experiments.metrics.throughput import Carried
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables
from loadgen.model.fleet import connections


class _Counter(NamedTuple):
    """A cost that a counter gives: of which probe, which figures' sum, per so many records (or batches)."""

    probe: str
    figures: tuple[str, ...]
    per: int
    of: str = "records"


#: By the name in `cost`.
_COUNTERS: Final = {
    "context_switches_per_thousand_records": _Counter(
        "processes", ("voluntary_switches", "involuntary_switches"), 1000
    ),
    "involuntary_switches_per_thousand_records": _Counter("processes", ("involuntary_switches",), 1000),
    "read_write_calls_per_thousand_records": _Counter("processes", ("read_write_calls",), 1000),
    "syscalls_per_thousand_records": _Counter("syscalls", ("syscalls",), 1000),
    "tcp_segments_per_record": _Counter("wire", ("tcp_segments",), 1),
    "redis_bytes_per_record": _Counter("broker", ("redis_sent_bytes", "redis_received_bytes"), 1),
    "redis_commands_per_batch": _Counter("broker", ("redis_commands",), 1, "batches"),
}

#: By the name in `wire_bytes_per_record`: probe, part, figure.
_WIRES: Final = {
    "agents_to_gateway": ("wire", "swarm", "sent_bytes"),
    "gateway_to_agents": ("wire", "swarm", "received_bytes"),
    "into_broker": ("broker", "broker", "input_bytes"),
    "out_of_broker": ("broker", "broker", "output_bytes"),
    "loopback": ("wire", "machine", "loopback_bytes"),
}

#: By the name in `cost`, where no counter is divided: the probe it comes from.
_OTHERS: Final = {
    "redis_commands_per_batch_by_name": "broker",
    "resident_bytes": "processes",
    "gateway_resident_bytes_per_connection": "processes",
    "proportional_bytes": "memory",
    "unshared_bytes": "memory",
}

#: What `cpu_s` of a record has in one (workers) or not at all.
_SPLIT: Final = ("worker_parents", "worker_children", "runner")

#: Growth of a probe's counters, by (part, figure).
_Grown = dict[tuple[str, str], float]


def cost(record: TrialRecord, tables: Tables, carried: Carried) -> dict[str, Any]:
    """`cost` of summary.json: by name, then by part (or direction, or command)."""
    grown = {name: increases(tables.probes, name, *record.window) for name in record.probes or ()}
    begin, end = record.window
    found: dict[str, Any] = {
        "cpu_s_per_million_records": _cpu(record, carried, grown),
        **{name: _by_part(one, grown.get(one.probe, {}), carried) for name, one in _COUNTERS.items()},
        "wire_bytes_per_record": {
            name: _ratio(grown.get(probe, {}).get((part, figure)), carried.records)
            for name, (probe, part, figure) in _WIRES.items()
        },
        "redis_commands_per_batch_by_name": _by_command(grown.get("broker", {}), carried.batches),
        "resident_bytes": _resident(tables, begin, end),
        "connections": connections(record.load.agents, record.load.agents_per_connection),
        "gateway_resident_bytes_per_connection": _a_connection(record, tables),
        "proportional_bytes": latest(tables.probes, "proportional_bytes", end) or None,
        "unshared_bytes": latest(tables.probes, "unshared_bytes", end) or None,
        "probes_cpu_ratio": _ratio(_own(grown), (end - begin) / 1e9),
    }
    return found | {"missing": _missing(record, found, carried)}


def _ratio(value: float | None, divisor: float) -> float | None:
    return None if value is None or not divisor else value / divisor


def _cpu(record: TrialRecord, carried: Carried, grown: dict[str, _Grown]) -> dict[str, float | None]:
    processes = grown.get("processes", {})
    spent = record.cpu_s | {part: processes[part, "cpu_s"] for part in _SPLIT if (part, "cpu_s") in processes}
    if (own := _own(grown)) is not None:
        spent["probes"] = own
    return {part: _ratio(cpu_s * 1e6, carried.records) for part, cpu_s in spent.items()}


def _by_part(counter: _Counter, grown: _Grown, carried: Carried) -> dict[str, float] | None:
    divisor = getattr(carried, counter.of)
    sums: dict[str, float] = {}
    for (part, figure), value in grown.items():
        if figure in counter.figures:
            sums[part] = sums.get(part, 0.0) + value
    return {part: value / divisor * counter.per for part, value in sums.items()} if sums and divisor else None


def _by_command(broker: _Grown, batches: int) -> dict[str, float] | None:
    calls = {figure: count for (_, figure), count in broker.items() if figure.startswith("command:") and count}
    if not calls or not batches:
        return None
    return {figure.removeprefix("command:"): calls[figure] / batches for figure in sorted(calls)}


def _resident(tables: Tables, begin_mono_ns: int, end_mono_ns: int) -> dict[str, float] | None:
    parts = sorted({str(part) for part in tables.probes["part"]})
    found = {part: level(tables.probes, part, "resident_bytes", begin_mono_ns, end_mono_ns) for part in parts}
    return {part: one.mean for part, one in found.items() if one is not None} or None


def _a_connection(record: TrialRecord, tables: Tables) -> float | None:
    """What the gateway's memory grew by since before the swarm connected, the batches in its hands included."""
    load = record.load
    idle = latest(tables.probes, "resident_bytes", 0).get("gateway")
    busy = level(tables.probes, "gateway", "resident_bytes", *record.window)
    return (
        None
        if idle is None or busy is None
        else (busy.mean - idle) / connections(load.agents, load.agents_per_connection)
    )


def _own(grown: dict[str, _Grown]) -> float | None:
    """CPU time of all probes' samples within the window; None without a probe that was asked near its ends."""
    found = [one["probes", "cpu_s"] for one in grown.values() if ("probes", "cpu_s") in one]
    return sum(found) if found else None


def _missing(record: TrialRecord, found: dict[str, Any], carried: Carried) -> dict[str, str]:
    """By name in `cost`: why there is no figure."""
    missing = {}
    for name, counter in _COUNTERS.items():
        if found[name] is None:
            missing[name] = _why(record, counter.probe, counter.figures, getattr(carried, counter.of))
    for name, probe in _OTHERS.items():
        if found[name] is None:
            missing[name] = _why(record, probe, (name,), carried.batches)
    for name, value in found["wire_bytes_per_record"].items():
        if value is None:
            probe, _, figure = _WIRES[name]
            missing[f"wire_bytes_per_record.{name}"] = _why(record, probe, (figure,), carried.records)
    return missing


def _why(record: TrialRecord, probe: str, figures: tuple[str, ...], divisor: int) -> str:
    if record.probes is None:
        return "the result is from before there were probes"
    if probe not in record.probes:
        return f"the probe {probe} wasn't asked for"
    note = record.probes[probe]
    told = [why for name, why in note.missing.items() if name.rpartition(".")[2] in figures]
    if told:
        return told[0]
    if not divisor:
        return "nothing was carried in the window"
    return next(iter(note.failures), "no sample near the window's ends")
