"""A sealed run of one long trial, in the real format: an open loop in batches of 1,000, each analysed, 2 % of records hit.

`python -m tests.made_long make FOLDER RECORDS` writes it, `python -m tests.made_long analyse FOLDER` does what `caudal
report` does with its data, and prints seconds, CPU seconds, the process's greatest resident memory, and what it found:
each in a process of its own, so that the memory is that of the analysis alone.
"""

import sys
import time
from pathlib import Path

import msgspec
import numpy as np

from experiments.analysis.findings import findings
from experiments.metrics.histograms import histograms
from experiments.metrics.schedule import redrawn
from experiments.store.run import RunFolder
from experiments.store.tables import Tables
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.truth import offset
from tests import made

SEED, AGENTS, START = 5, 20, 4_000_000_000
PER_S, BATCH, RING = 500_000, 1000, 16_384
MIX = {"web": 1.0}


def make(folder: Path, records: int) -> None:
    """Writes the run: 500,000 records/s for as long as it takes."""
    horizon_s = records / PER_S
    load = made.load(
        arrivals=msgspec.to_builtins(Poisson(rate_per_s=PER_S / AGENTS)),
        open_loop=True,
        agents=AGENTS,
        batch_size=BATCH,
        timeout_s=0.5,
        horizon_s=horizon_s,
        records={"source": "synthetic", "paths": [], "ring_size": RING, "attack_ratio": 0.02, "mix": MIX},
    )
    plan = redrawn(load, SEED)
    count = len(plan.count)
    draws = np.random.Generator(np.random.Philox(key=4))
    # What each of the seven stages after the cut took, up to 5 ms.
    steps = np.cumsum(draws.integers(1, 5_000_000, (count, 7)), axis=1) + (START + plan.time_ns)[:, None]
    batches, results = np.zeros(count, made.BATCHES), np.zeros(count, made.RESULTS)
    for table in (batches, results):
        for name in ("agent", "first", "count"):
            table[name] = getattr(plan, name)
    batches["cut_mono_ns"], batches["sent_mono_ns"], batches["acked_mono_ns"] = (
        START + plan.time_ns,
        steps[:, 0],
        steps[:, 6],
    )
    results["own"] = results["analysed"] = True
    results["attempt"], results["records"], results["packed_bytes"] = 1, plan.count, 250 * plan.count
    for place, name in enumerate(("received", "published", "started", "fetched", "scanned", "committed")):
        results[f"{name}_mono_ns"] = steps[:, place + 1]
    load = msgspec.structs.replace(load, fingerprint=plan.fingerprint())
    hits, signatures = _hits(load, results)
    results["hits"] = np.bincount(hits["result"], minlength=count)
    record = made.record(
        seed=SEED, load=load, start_mono_ns=START, window=(START, START + round(horizon_s * 1e9)), planned=plan.records,
        recorded_rows=count, counters={"batches_analysed": count, "queued": 0, "pending": 0},
        cpu_s={"gateway": 0.1, "broker": 0.05, "workers": 0.6, "swarm": 0.2}, signatures=signatures,
        swarm={"bad_acks": 0, "reconnects": 0},
    )  # fmt: skip
    run = RunFolder.create(folder, {
        "experiment": {"name": "long", "question": "", "cells": [{"index": 0, "levels": {}}], "configs": [{}]},
        "trials_planned": 1, "commit": None, "dirty": False, "command": "", "machine": {},
    })  # fmt: skip
    run.add(record, Tables(batches, results, hits))
    run.seal()


def _hits(load: made.Load, results: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """What a perfect engine finds: each label of the ring, wherever a batch holds its record."""
    from experiments.metrics.detections import ground_truth

    labels = ground_truth(load, SEED)
    assert labels is not None
    agents = np.array([offset(agent, RING) for agent in range(AGENTS)])
    begin = (agents[results["agent"]] + results["first"]) % RING
    # Labels laid out twice, so that a batch that goes over the ring's end is one range too.
    place = np.concatenate([labels.record, labels.record + RING])
    low, high = np.searchsorted(place, begin), np.searchsorted(place, begin + results["count"])
    row = np.repeat(np.arange(len(results)), high - low)
    label = np.arange(len(row)) + np.repeat(low - (np.cumsum(high - low) - (high - low)), high - low)
    hits = np.empty(len(row), made.HITS)
    hits["result"], hits["record"] = row, place[label] - begin[row]
    hits["signature"] = np.tile(labels.signature, 2)[label]
    return hits, list(labels.signatures)


def peak_bytes() -> int:
    """The most memory that this process has had. Not `ru_maxrss`: that begins with what the process had that forked it."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def analyse(folder: Path) -> dict[str, float | str]:
    """All figures, curves and histograms of the run."""
    begun = time.monotonic()
    run = RunFolder.open_sealed(folder)
    found = findings(run)
    (record,) = run.records()
    tables = run.tables(record)
    assert tables is not None
    whole, _ = histograms(record, tables)
    (trial,) = found.summary.trials
    return {
        "seconds": time.monotonic() - begun,
        "cpu_seconds": time.process_time(),
        "peak_bytes": peak_bytes(),
        "records": trial.response_time_s.count,
        "in_histogram": whole.histogram.get_total_count(),
        "reasons": "; ".join(trial.reasons),
    }


if __name__ == "__main__":
    what, name, *rest = sys.argv[1:]
    if what == "make":
        make(Path(name), int(rest[0]))
    else:
        sys.stdout.buffer.write(msgspec.json.encode(analyse(Path(name))))
