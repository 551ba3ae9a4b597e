"""Rules about the instrument's parts: swarm, recorder, clocks."""

from collections.abc import Iterator

from experiments.metrics.lag import lag
from experiments.metrics.quantiles import LEAST
from experiments.metrics.validity.rule import Evidence


def rows_all_drained(seen: Evidence) -> Iterator[str]:
    """The recorder took every row that the system wrote."""
    counters = seen.record.counters
    if not counters and seen.record.failure is not None:
        return  # the broker died, and with it the system's count
    fsync = seen.record.config.get("system", {}).get("fsync", False)
    if not fsync and any(fault["kind"] == "kill_broker" for fault in seen.record.faults):
        return  # it was started again, and counted from zero
    dropped = counters.get("rows_dropped", 0)
    if dropped:
        yield f"{dropped} result rows overflowed before they were drained"
    said = counters.get("batches_analysed", 0) + counters.get("batches_dead", 0) - dropped
    if said != seen.record.recorded_rows:
        yield f"{seen.record.recorded_rows} result rows were drained, the system wrote {said}"


def instants_known(seen: Evidence) -> Iterator[str]:
    """Every commit has its instant, unless somebody was killed who couldn't ship it."""
    killed = any(fault.get("done", {}).get("killed_pids") for fault in seen.record.faults)
    if seen.instants_unknown and not killed and seen.record.failure is None:
        yield f"the commit instants of {seen.instants_unknown} batches are unknown, although nothing was killed"


def acknowledgements_true(seen: Evidence) -> Iterator[str]:
    """Nothing was acknowledged that was never sent."""
    if seen.record.swarm.get("bad_acks", 0):
        yield f"{seen.record.swarm['bad_acks']} acknowledgements of batches that were never sent"


def sent_in_time(seen: Evidence) -> Iterator[str]:
    """The swarm kept its schedule; what a batch waited for the system is no lag of the swarm's.

    Below 2,000 batches a 99th percentile is the mood of a few, as for every other one: then the median is judged.
    """
    late = lag(seen.record)
    if seen.limits is None or late is None:
        return
    share, found_s = (99, late.p99) if late.flushes >= LEAST["p99"] else (50, late.p50)
    if found_s > seen.limits.send_lag_p99_s:
        yield (
            f"the swarm cut {100 - share} % of its batches {found_s * 1e3:,.1f} ms late or later, the limit is"
            f" {seen.limits.send_lag_p99_s * 1e3:,.1f} ms (validity.send_lag_p99_s):"
            " offer less, in larger batches, or give it a CPU"
        )


def swarm_had_cpu(seen: Evidence) -> Iterator[str]:
    """The swarm had CPU to spare: one that hasn't may have been what gave no more."""
    record = seen.record
    window_s = (record.window[1] - record.window[0]) / 1e9
    if seen.limits is None or window_s <= 0 or "swarm" not in record.cpu_s:
        return
    processes = record.config.get("swarm", {}).get("processes", 1)
    cpus = len(record.target.get("placement", {}).get("swarm", ())) or processes
    ratio = record.cpu_s["swarm"] / window_s / min(processes, cpus)
    if ratio > seen.limits.swarm_cpu_ratio:
        yield (
            f"its CPU was {ratio:.0%} busy, the limit is {seen.limits.swarm_cpu_ratio:.0%} (validity.swarm_cpu_ratio):"
            " the load may have been all it could give"
        )


def clocks_agree(seen: Evidence) -> Iterator[str]:
    """Instants of several hosts may be subtracted: each clock's offset is known to be small enough."""
    if seen.limits is None:
        return
    for clock in seen.record.clocks:
        worst_s = abs(clock.offset_s) + clock.uncertainty_s
        if worst_s > seen.limits.clock_offset_s:
            yield (
                f"that of {clock.host} is {clock.offset_s * 1e3:+,.3f} ms off, give or take"
                f" {clock.uncertainty_s * 1e3:,.3f} ms; the limit is {seen.limits.clock_offset_s * 1e3:,.3f} ms"
                " (validity.clock_offset_s)"
            )
