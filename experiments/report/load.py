"""Carried against offered load: the cells with their intervals, then every trial with the swarm's lag."""

from collections.abc import Iterator

from experiments.analysis.naming import columns
from experiments.report.table import table
from experiments.report.view import View, figure, name
from experiments.stats.estimate import Estimate


def throughput(view: View) -> Iterator[str]:
    """The figures of the carried load that the run's factors allow, and the table of cells."""
    yield figure(view, "throughput", "Carried load of each cell; invalid trials are crossed.")
    yield figure(view, "throughput_vs_cores", "Carried load against the workers' cores.")
    yield figure(view, "batching_frontier", "What a lower 99th percentile costs, over BATCH_SIZE and TIMEOUT.")
    found = view.summary
    names = columns([cell.cell for cell in found.cells])
    rows = []
    for cell in found.cells:
        carried, p99 = cell.carried_records_per_s, cell.p99_response_s
        rows.append(
            [
                *(cell.cell[each] for each in names),
                _number(carried.value),
                _interval(carried),
                _number(cell.offered_records_per_s.value),
                _number(p99.value, 1e3, 1),
                _interval(p99, 1e3, 1),
                carried.n,
                cell.bottleneck,
                f"{cell.trials - cell.invalid_trials - cell.failed_trials} of {cell.trials}",
            ]
        )
    head = [*(each.rpartition(".")[2] for each in names), "carried records/s", "95 % interval", "offered records/s"]
    head += ["p99 response, ms", "95 % interval, ms", "n", "limited by", "valid trials"]
    # Dashes all the way down push what is known off the screen; that there is no interval is said below.
    kept = [place for place, name in enumerate(head) if "interval" not in name or any(row[place] for row in rows)]
    yield table([head[place] for place in kept], ([row[place] for place in kept] for row in rows))
    yield "<p>Estimates are geometric means over the valid trials; below five trials there is no interval.</p>"


def offered(view: View) -> Iterator[str]:
    """Every trial: what was offered, what was carried, how late the swarm was."""
    rows = []
    for trial in view.summary.trials:
        late = trial.schedule_lag_s
        rows.append(
            [
                name(trial),
                "valid" if trial.valid else "INVALID",
                trial.outcome,
                _number(trial.offered_records_per_s),
                _number(trial.carried_records_per_s),
                None if late is None else f"{late.p50 * 1e3:,.2f}",
                None if late is None else f"{late.p99 * 1e3:,.2f}",
                None if late is None else f"{late.max * 1e3:,.2f}",
                None if late is None else late.flushes,
            ]
        )
    head = ["trial", "", "outcome", "offered records/s", "carried records/s"]
    yield table([*head, "swarm late, p50 ms", "p99 ms", "max ms", "n, batches"], rows)
    yield (
        "<p>How late the swarm cut its batches is the generator's own lag, whatever the system did. Under full load there is"
        " no schedule to be late for, and what is offered follows what is carried.</p>"
    )


def _number(value: float | None, scale: float = 1.0, digits: int = 0) -> str | None:
    return None if value is None else f"{value * scale:,.{digits}f}"


def _interval(one: Estimate, scale: float = 1.0, digits: int = 0) -> str | None:
    if one.low is None or one.high is None:
        return None
    return f"{one.low * scale:,.{digits}f} to {one.high * scale:,.{digits}f}"
