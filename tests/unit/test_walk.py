"""One walk serves all figures: a record is drawn as often for many as for one, and each figure is what it is alone."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from experiments.metrics.batching import Measured
from experiments.metrics.response import timed
from experiments.metrics.response_times import Times
from experiments.metrics.spectrum import Spectrum
from experiments.metrics.timeline import Timeline
from experiments.metrics.trial import summarise
from experiments.metrics.walk import Records, Tally, walk
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import Stream
from loadgen.model.arrivals.process import Times as Arrivals
from tests.made_trial import AGENTS, Made, trial


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each agent's arrivals were drawn again for figures, counted from now on."""
    found: Counter[int] = Counter()
    drawn = Stream.__iter__

    def counted(self: Stream) -> Iterator[Arrivals]:
        found[self.agent] += 1
        return drawn(self)

    monkeypatch.setattr(Stream, "__iter__", counted)
    return found


def some() -> Made:
    """Some 3,600 records, of which every third batch has no commit instant."""
    one = trial(Poisson(rate_per_s=400.0), batch_size=10, timeout_s=0.02)
    results = one.tables.results.copy()
    results["committed_mono_ns"][::3] = 0
    return one.with_tables(results=results)


def figures(one: Made, *, together: bool) -> tuple[object, ...]:
    """Everything that is told of a trial's records, from one walk or from one each."""
    done = timed(one.tables)
    records = Records(one.record, one.tables.batches, done)
    times, mix = Times(records, one.record.window), Measured(one.record, records)
    shares, bins = Spectrum(one.record.window), Timeline(one.record)
    tallies: tuple[Tally, ...] = (times, mix, shares, bins)
    for some_of in (tallies,) if together else tuple((each,) for each in tallies):
        walk(records, *some_of)
    return times.split(done), times.arrived, mix.mix(), shares.shares(), shares.records, bins.bins()


def test_what_is_gathered_together_is_what_each_gathers_alone(draws: Counter[int]) -> None:
    one = some()
    together = figures(one, together=True)
    assert draws == dict.fromkeys(range(AGENTS), 2)
    draws.clear()
    assert figures(one, together=False) == together
    assert draws == dict.fromkeys(range(AGENTS), 8), "the plant: a walk each"


def test_a_summary_draws_each_record_twice_for_all_its_figures(draws: Counter[int]) -> None:
    summarise(*some())
    assert draws == dict.fromkeys(range(AGENTS), 2)


def test_pieces_tell_arrived_and_finished_apart() -> None:
    one = some()
    done = timed(one.tables)
    pieces = list(Records(one.record, one.tables.batches, done))
    assert sum(len(piece.arrived.arrived) for piece in pieces) == int(one.tables.batches["count"].sum())
    assert sum(len(piece.finished.arrived) for piece in pieces) == int(done["count"].sum())
    drawn = Poisson(rate_per_s=400.0).draw(one.record.seed, 1, 3_000_000_000) + one.record.start_mono_ns
    mine = np.concatenate([piece.arrived.arrived for piece in pieces if piece.agent == 1])
    assert mine.tolist() == drawn.tolist()
