"""Histograms of response times: read back by the public library, merged by adding, within 0.1 % of the exact quantiles."""

from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from experiments.metrics.histograms import DIGITS, HIGHEST_NS, LOWEST_NS, histograms
from experiments.metrics.trial import summarise
from experiments.store.run import RunFolder
from loadgen.model.arrivals.poisson import Poisson
from tests import made
from tests.made_trial import Made, trial


def some() -> Made:
    """An open loop of 12,000 records in a window of 2 s, whose response times spread over three powers of ten."""
    one = trial(Poisson(rate_per_s=2000.0))
    results = one.tables.results.copy()
    draws = np.random.Generator(np.random.Philox(key=8))
    results["committed_mono_ns"] += draws.pareto(1.5, len(results)).astype(np.int64) * 1_000_000 + 12_345
    return one.with_tables(results=results)


def read(path: Path) -> list[HdrHistogram]:
    reader = HistogramLogReader(str(path), HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS))
    found = []
    while (one := reader.get_next_interval_histogram()) is not None:
        found.append(one)
    reader.close()
    return found


def test_what_the_public_library_reads_is_what_the_summary_says(tmp_path: Path) -> None:
    one = some()
    run = RunFolder.create(tmp_path / "run", {})
    whole, seconds = histograms(one.record, one.tables)
    run.add_latency(one.record, [whole], seconds)
    (read_whole,) = read(run.path / "latency" / "trial-0000.hlog")
    read_seconds = read(run.path / "latency" / "trial-0000-seconds.hlog")
    exact = summarise(one.record, one.tables).response_time_s
    assert exact.unfinished == 0
    assert read_whole.get_total_count() == exact.count > 10_000
    for share, value in ((50, exact.p50), (90, exact.p90), (99, exact.p99), (100, exact.max)):
        assert value is not None
        assert read_whole.get_value_at_percentile(share) / 1e9 == pytest.approx(value, rel=1.01e-3)
    assert len(read_seconds) == 2
    merged = HdrHistogram(LOWEST_NS, HIGHEST_NS, DIGITS)
    for second in read_seconds:
        merged.add(second)
    for share in (1, 50, 99, 99.9, 100):
        assert merged.get_value_at_percentile(share) == read_whole.get_value_at_percentile(share)
    assert [one.begin_s for one in seconds] == [1.0, 2.0]


def test_under_full_load_each_batch_stands_for_its_records() -> None:
    cut = made.batches(made.batch(0, 0, 10, cut_mono_ns=1), made.batch(0, 10, 30, cut_mono_ns=1_500_000_000))
    rows = made.results(
        made.result(0, 0, 10, committed_mono_ns=1_000_001), made.result(0, 10, 30, committed_mono_ns=1_507_000_000)
    )
    whole, seconds = histograms(made.record(window=(0, 2_500_000_000)), made.tables(cut, rows))
    assert [one.histogram.get_total_count() for one in (whole, *seconds)] == [40, 10, 30, 0]
    assert seconds[0].histogram.get_max_value() == pytest.approx(1_000_000, rel=1e-3)
    assert seconds[1].histogram.get_max_value() == pytest.approx(7_000_000, rel=1e-3)


def test_a_commit_whose_instant_is_unknown_and_an_arrival_outside_have_no_place() -> None:
    cut = made.batches(made.batch(0, 0, 10, cut_mono_ns=5), made.batch(0, 10, 10, cut_mono_ns=10**9))
    rows = made.results(made.result(0, 0, 10, committed_mono_ns=0), made.result(0, 10, 10, committed_mono_ns=2 * 10**9))
    whole, _ = histograms(made.record(), made.tables(cut, rows))
    assert whole.histogram.get_total_count() == 0
