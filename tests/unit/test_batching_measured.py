"""What a trial's batches were, beside what its load predicts: also for a swarm that does something else."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from experiments.analysis.batching import batching
from experiments.analysis.summary import summary
from experiments.metrics.batching import Measured, prediction
from experiments.metrics.response import join
from experiments.metrics.trial import summarise
from experiments.metrics.walk import Records, walk
from experiments.report.batching import batching_section
from experiments.store.record import TrialRecord
from experiments.store.run import RunFolder
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.flush_mix import FlushMix
from tests import made
from tests.made_trial import START, WINDOW, Made, trial

#: 3 agents of 400 records/s, BATCH_SIZE 10, TIMEOUT 20 ms, two seconds: 2,400 records, some 300 batches, half by size.
RATE, SIZE, TIMEOUT = 400.0, 10, 0.02


def poisson() -> Made:
    return trial(Poisson(rate_per_s=RATE), batch_size=SIZE, timeout_s=TIMEOUT)


def measured(record: TrialRecord, batches: np.ndarray) -> FlushMix | None:
    """Of batches of which none was analysed: what they are doesn't depend on it."""
    records = Records(record, batches, join(batches, made.results()))
    mix = Measured(record, records)
    walk(records, mix)
    return mix.mix()


def found(one: Made) -> FlushMix:
    mix = measured(one.record, one.tables.batches)
    assert mix is not None
    return mix


def agrees(one: Made) -> bool:
    """Whether mean wait and records a batch are as predicted, within 5 %: 300 batches spread by 2 %; the seed is fixed."""
    expected, seen = prediction(one.record), found(one)
    assert expected is not None
    return all(
        getattr(seen, name) == pytest.approx(getattr(expected, name), rel=0.05)
        for name in ("records_per_batch", "batch_wait_mean_s")
    )


def test_a_sound_trial_is_what_its_load_predicts() -> None:
    one = poisson()
    assert agrees(one)
    expected = prediction(one.record)
    assert expected is not None
    assert expected.method == "closed form, Poisson arrivals"
    assert found(one).by_size_ratio == pytest.approx(expected.by_size_ratio, abs=0.1)
    assert summarise(one.record, one.tables).batching == found(one)


@pytest.mark.parametrize("late_ns", [1_000_000, 5_000_000])
def test_a_swarm_that_cuts_late_is_seen(late_ns: int) -> None:
    """The plant: every batch is cut a while after it was due."""
    one = poisson()
    batches = one.tables.batches.copy()
    batches["cut_mono_ns"] += late_ns
    assert not agrees(one.with_tables(batches=batches))


def test_a_swarm_with_another_batch_size_than_the_record_says_is_seen() -> None:
    """The plant: the batches of BATCH_SIZE 5 under a record that says 10."""
    one, other = poisson(), trial(Poisson(rate_per_s=RATE), batch_size=5, timeout_s=TIMEOUT)
    mixed = one.with_tables(batches=other.tables.batches)
    assert not agrees(mixed)
    assert found(mixed).by_size_ratio < 0.9 * found(one).by_size_ratio


def test_batches_count_by_their_opening_and_agents_by_their_own_records() -> None:
    """Counted over again, record by record, from the table and arrivals that are drawn one agent at a time."""
    one = poisson()
    waits, batches, ends = [], 0, {"size": 0, "timeout": 0, "close": 0}
    for row in one.tables.batches:
        arrivals = Poisson(rate_per_s=RATE).draw(one.record.seed, int(row["agent"]), 3_000_000_000) + START
        mine = arrivals[row["first"] : row["first"] + row["count"]]
        if not WINDOW[0] <= mine[0] < WINDOW[1]:
            continue
        by_size = row["count"] == SIZE
        ends["size" if by_size else "timeout" if row["cut_mono_ns"] - mine[0] == 20_000_000 else "close"] += 1
        if mine[0] + 20_000_000 <= WINDOW[1]:
            batches += 1
            waits += (row["cut_mono_ns"] - mine).tolist()
    seen, total = found(one), sum(ends.values())
    assert seen.by_size_ratio == ends["size"] / total
    assert seen.by_timeout_ratio == ends["timeout"] / total
    assert seen.by_close_ratio == ends["close"] / total > 0
    assert seen.records_per_batch == pytest.approx(len(waits) / batches)
    assert seen.batch_wait_mean_s == pytest.approx(np.mean(waits) / 1e9)
    assert seen.batch_wait_p99_s == pytest.approx(np.sort(waits)[int(np.ceil(0.99 * len(waits))) - 1] / 1e9)


def test_full_load_is_whole_batches_that_nothing_waits_in() -> None:
    record = made.record(load=made.load(batch_size=10))
    rows = made.batches(made.batch(0, 0, 10), made.batch(1, 0, 10), made.batch(0, 10, 4))
    seen = measured(record, rows)
    assert seen is not None
    assert (seen.by_size_ratio, seen.by_close_ratio) == pytest.approx((2 / 3, 1 / 3))
    assert (seen.records_per_batch, seen.batch_wait_mean_s) == (8.0, None)
    assert measured(record, rows[:0]) is None


def test_classes_are_told_apart_under_full_load() -> None:
    classes = [
        {"name": "a", "agents": 1, "arrivals": {"kind": "saturate"}, "batch_size": 10, "timeout_s": 0.5},
        {"name": "b", "agents": 1, "arrivals": {"kind": "saturate"}, "batch_size": 4, "timeout_s": 0.5},
    ]
    record = made.record(load=made.load(classes=classes))
    seen = measured(record, made.batches(made.batch(0, 0, 10), made.batch(1, 0, 4)))
    assert seen is not None
    assert seen.by_size_ratio == 1.0


def test_a_trial_with_another_schedule_has_no_batching() -> None:
    one = poisson()
    other = one.with_record(load=msgspec.structs.replace(one.record.load, fingerprint="0" * 32))
    assert summarise(other.record, other.tables).batching is None


def test_a_cell_holds_its_prediction_beside_its_trials_with_an_interval() -> None:
    one = poisson()
    many = batching([one.record] * 5, [found(one)] * 5)
    assert many.predicted == prediction(one.record)
    assert many.measured.batch_wait_mean_s.value == pytest.approx(found(one).batch_wait_mean_s)
    assert (many.measured.batch_wait_mean_s.n, many.measured.batch_wait_mean_s.low is not None) == (5, True)
    nothing = batching([made.record(failure="it died")], [])
    assert (nothing.predicted, nothing.measured.records_per_batch.value) == (None, None)


def test_the_report_shows_prediction_and_measurement_of_every_cell(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "x" / "run-1", {
        "experiment": {"name": "x", "question": "", "cells": [{"index": 0, "levels": {}}]}, "trials_planned": 1,
        "commit": None, "dirty": False, "command": "", "machine": {},
    })  # fmt: skip
    one = poisson()
    run.add(one.record, one.tables)
    text = "".join(batching_section(summary(run).cells))
    expected = prediction(one.record)
    assert expected is not None
    assert expected.batch_wait_mean_s is not None
    assert f"<td>predicted</td><td>{expected.by_size_ratio:.2%}".replace("%", "") in text
    assert f"<td>{expected.batch_wait_mean_s * 1e3:.3f}</td>" in text
    assert f"<td>{found(one).batch_wait_mean_s * 1e3:.3f}</td>" in text  # type: ignore[operator]
    assert "closed form, Poisson arrivals" in text
