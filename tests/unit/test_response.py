"""Response times and their stages on made-up tables: the stages add up to the response, record by record."""

from typing import Any

import msgspec
import numpy as np
import pytest

from experiments.metrics.response import STAGES, Done, first_results, join, stages
from experiments.metrics.response import arrivals as in_pieces
from experiments.metrics.response_times import ResponseTimes, Times
from experiments.metrics.walk import Records, walk
from experiments.store.record import Load
from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import OpenLoopProcess
from loadgen.model.schedule import schedule
from tests import made

START = 7_000_000_000
SEED = 11
AGENTS = 3
SECOND = 1_000_000_000
ALWAYS = (0, 10**12)


def walked(load: Load, seed: int, start: int, window: tuple[int, int], batches: np.ndarray | Done, done: Done) -> Times:
    """Of these batches, those in `done` finished."""
    records = Records(made.record(load=load, seed=seed, start_mono_ns=start), batches, done)
    times = Times(records, window)
    walk(records, times)
    return times


def response_times(load: Load, seed: int, start: int, window: tuple[int, int], done: Done) -> ResponseTimes:
    """Where everything that arrived has finished."""
    return walked(load, seed, start, window, done, done).split(done)


def arrivals(load: Load, seed: int, start: int, done: Done) -> tuple[np.ndarray, np.ndarray]:
    """All pieces joined."""
    at, owner = zip(*in_pieces(load, seed, start, done), strict=True)
    return np.concatenate(at), np.concatenate(owner)


def open_load(
    process: OpenLoopProcess, *, batch_size: int = 10, timeout_s: float = 0.05, horizon_s: float = 2.0
) -> Load:
    return made.load(
        arrivals=msgspec.to_builtins(process),
        open_loop=True,
        agents=AGENTS,
        batch_size=batch_size,
        timeout_s=timeout_s,
        horizon_s=horizon_s,
    )


def played(process: OpenLoopProcess, load: Load) -> tuple[np.ndarray, np.ndarray]:
    """The tables of a trial that played the load's schedule, with instants of every stage drawn from a seed."""
    plan = schedule(
        process,
        seed=SEED,
        agents=AGENTS,
        batch_size=load.batch_size,
        timeout_s=load.timeout_s,
        horizon_s=load.horizon_s,
    )
    draws = np.random.Generator(np.random.Philox(key=4))
    # Instants after the cut in the order of the stages; the widest digits differ, so that no two stages look alike.
    steps = np.cumsum(draws.integers(1, 50_000_000, (len(plan.count), 7)), axis=1) + (START + plan.time_ns)[:, None]
    cut, found = np.zeros(len(plan.count), made.BATCHES), np.zeros(len(plan.count), made.RESULTS)
    for table in (cut, found):
        for name in ("agent", "first", "count"):
            table[name] = getattr(plan, name)
    cut["cut_mono_ns"] = START + plan.time_ns
    cut["sent_mono_ns"] = steps[:, 0]
    cut["acked_mono_ns"] = steps[:, 6]
    found["own"] = found["analysed"] = True
    for place, name in enumerate(("received", "published", "started", "fetched", "scanned", "committed")):
        found[f"{name}_mono_ns"] = steps[:, place + 1]
    shuffled = draws.permutation(len(found))
    return cut[draws.permutation(len(cut))], found[shuffled]


PROCESSES = [Poisson(rate_per_s=150.0), Constant(rate_per_s=333.0)]


@pytest.mark.parametrize("process", PROCESSES, ids=["poisson", "constant"])
def test_the_stages_of_every_record_add_up_to_its_response_time(process: OpenLoopProcess) -> None:
    load = open_load(process)
    cut, found = played(process, load)
    done = join(cut, found)
    assert len(done) == len(cut)
    arrived, owner = arrivals(load, SEED, START, done)
    assert len(arrived) == int(cut["count"].sum())
    batch_wait = done["cut_mono_ns"][owner] - arrived
    rest = sum(value[owner] for value in stages(done).values())
    response = done["committed_mono_ns"][owner] - arrived
    assert (batch_wait + rest == response).all()
    assert (batch_wait >= 0).all()
    assert (batch_wait <= round(load.timeout_s * SECOND)).all()
    assert all((value > 0).all() for value in stages(done).values())


@pytest.mark.parametrize("process", PROCESSES, ids=["poisson", "constant"])
def test_arrivals_drawn_again_are_those_of_each_record_of_each_batch(process: OpenLoopProcess) -> None:
    load = open_load(process)
    done = join(*played(process, load))
    arrived, owner = arrivals(load, SEED, START, done)
    drawn = {agent: process.draw(SEED, agent, 2 * SECOND) for agent in range(AGENTS)}
    expected = sorted(
        (START + int(drawn[agent][number]), place)
        for place, (agent, first, count) in enumerate(
            zip(done["agent"].tolist(), done["first"].tolist(), done["count"].tolist(), strict=True)
        )
        for number in range(first, first + count)
    )
    assert sorted(zip(arrived.tolist(), owner.tolist(), strict=True)) == expected


def test_the_means_of_the_stages_add_up_to_the_mean_response_time() -> None:
    process = PROCESSES[0]
    load = open_load(process)
    found = response_times(load, SEED, START, ALWAYS, join(*played(process, load)))
    assert list(found.stages) == ["batch_wait", *(name for name, _, _ in STAGES)]
    assert sum(one.mean or 0.0 for one in found.stages.values()) == pytest.approx(found.response.mean)
    assert {one.count for one in found.stages.values()} == {found.response.count}


def test_only_records_that_arrived_within_the_window_count() -> None:
    process = PROCESSES[0]
    load = open_load(process)
    done = join(*played(process, load))
    window = (START + SECOND // 2, START + SECOND)
    arrived, _ = arrivals(load, SEED, START, done)
    found = response_times(load, SEED, START, window, done)
    assert 0 < found.response.count == sum(window[0] <= one < window[1] for one in arrived.tolist()) < len(arrived)


def test_a_record_on_the_edge_of_the_window_is_in_it_at_its_begin_and_out_at_its_end() -> None:
    process = PROCESSES[0]
    load = open_load(process)
    done = join(*played(process, load))
    first, last = sorted(arrivals(load, SEED, START, done)[0].tolist())[10:14:3]
    assert response_times(load, SEED, START, (first, last), done).response.count == 3


def test_a_batch_that_was_lost_leaves_the_records_of_the_others_where_they_were() -> None:
    process = PROCESSES[0]
    load = open_load(process)
    cut, found = played(process, load)
    whole = dict(zip(*[one.tolist() for one in by_record(load, join(cut, found))], strict=True))
    part = dict(zip(*[one.tolist() for one in by_record(load, join(cut, found[:20]))], strict=True))
    assert 0 < len(part) < len(whole)
    assert part.items() <= whole.items()


def by_record(load: Load, done: Done) -> tuple[np.ndarray, np.ndarray]:
    """Arrival of each record, and its response time."""
    arrived, owner = arrivals(load, SEED, START, done)
    return arrived, done["committed_mono_ns"][owner] - arrived


def timed(agent: int, first: int, count: int, cut: int, *after: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A batch and its row, with the durations from send_lag to commit."""
    sent, published, started, fetched, scanned, committed = (cut + int(end) for end in np.cumsum(after))
    return (
        made.batch(agent, first, count, cut_mono_ns=cut, sent=sent),
        made.result(
            agent, first, count, published_mono_ns=published, started_mono_ns=started, fetched_mono_ns=fetched,
            scanned_mono_ns=scanned, committed_mono_ns=committed,
        ),
    )  # fmt: skip


def joined(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> Done:
    return join(made.batches(*(one for one, _ in pairs)), made.results(*(one for _, one in pairs)))


def test_under_full_load_a_records_clock_starts_when_its_batch_is_cut() -> None:
    s = SECOND
    done = joined(timed(0, 0, 10, 1 * s, 1 * s, 2 * s, 3 * s, 4 * s, 5 * s, 6 * s), timed(1, 0, 30, 2 * s, *[s] * 6))
    found = response_times(made.load(), SEED, 0, ALWAYS, done)
    assert (found.response.p50, found.response.max, found.response.count) == (6.0, 21.0, 40)
    assert found.response.mean == pytest.approx((10 * 21 + 30 * 6) / 40)
    assert found.stages["batch_wait"].max == 0.0
    maxima = {name: one.max for name, one in found.stages.items() if name != "batch_wait"}
    assert maxima == {"send_lag": 1, "ingest": 2, "queue_wait": 3, "fetch": 4, "scan": 5, "commit": 6}
    assert sum(one.mean or 0.0 for one in found.stages.values()) == pytest.approx(found.response.mean)


def test_under_full_load_the_batches_cut_within_the_window_count() -> None:
    done = joined(*(timed(0, 10 * place, 10, cut, *[5] * 6) for place, cut in enumerate((99, 100, 199, 200))))
    assert response_times(made.load(), SEED, 0, (100, 200), done).response.count == 20


def test_nothing_analysed_has_no_response_times() -> None:
    for load in (made.load(), open_load(PROCESSES[0])):
        found = response_times(load, SEED, START, ALWAYS, join(made.batches(), made.results()))
        assert (found.response.count, found.response.p50) == (0, None)
        assert {one.count for one in found.stages.values()} == {0}


# Which row of a batch counts.


def test_of_duplicate_rows_the_first_commit_counts() -> None:
    rows = made.results(
        made.result(0, 0, 10, committed_mono_ns=50),
        made.result(0, 10, 10, committed_mono_ns=60),
        made.result(0, 0, 10, committed_mono_ns=40),
        made.result(0, 0, 10, committed_mono_ns=45),
    )
    assert first_results(rows).tolist() == [2, 1]
    done = join(made.batches(made.batch(0, 0, 10), made.batch(0, 10, 10)), rows)
    assert done["committed_mono_ns"].tolist() == [40, 60]


def test_a_commit_whose_instant_is_unknown_is_placed_at_its_scans_end() -> None:
    unknown = made.result(0, 0, 10, committed_mono_ns=0, scanned_mono_ns=30)
    for known_at, counting in ((29, 1), (31, 0)):
        rows = made.results(unknown, made.result(0, 0, 10, committed_mono_ns=known_at, scanned_mono_ns=20))
        assert first_results(rows).tolist() == [counting]


def test_rows_of_other_swarms_and_of_batches_given_up_never_count() -> None:
    rows = made.results(
        made.result(0, 0, 10, own=False), made.dead(0, 0, 10), made.result(0, 0, 10, committed_mono_ns=70)
    )
    assert first_results(rows).tolist() == [2]
    assert first_results(rows[:2]).tolist() == []


def test_batches_of_one_first_number_and_different_agents_are_different() -> None:
    rows = made.results(*(made.result(agent, 10, 10, committed_mono_ns=agent + 1) for agent in (3, 1, 2)))
    assert first_results(rows).tolist() == [1, 2, 0]


def test_a_row_for_what_was_never_sent_joins_no_batch() -> None:
    cut = made.batches(
        made.batch(0, 0, 10),
        made.batch(0, 10, 10, sent=0, acked=0),
        made.batch(0, 20, 10, sent=0, acked=0, overflowed=True),
    )
    rows = made.results(*(made.result(0, first, 10) for first in (0, 10, 20, 30)), made.result(5, 0, 10))
    done = join(cut, rows)
    assert done["first"].tolist() == [0]
    assert done["sent_mono_ns"].tolist() == [2]


def test_rows_without_any_batch_join_nothing() -> None:
    assert len(join(made.batches(), made.results(made.result(0, 0, 10)))) == 0


def test_the_count_is_what_the_swarm_cut_whatever_the_row_says() -> None:
    done = join(made.batches(made.batch(0, 0, 10)), made.results(made.result(0, 0, 7)))
    assert done["count"].tolist() == [10]


def test_records_that_never_finished_count_as_the_slowest() -> None:
    process = Poisson(rate_per_s=2000.0)
    load = open_load(process)
    batches, results = played(process, load)
    everything = walked(load, SEED, START, ALWAYS, batches, join(batches, results)).response
    assert everything.unfinished == 0
    found = walked(load, SEED, START, ALWAYS, batches, join(batches, results[: len(results) // 2])).response
    assert found.count + found.unfinished == everything.count
    assert found.unfinished > everything.count // 5
    assert (found.p90, found.p99, found.max, found.mean) == (None, None, None, None), "they fall among the unfinished"


def test_under_full_load_what_was_cut_in_the_window_arrived_in_it() -> None:
    batches = made.batches(
        made.batch(0, 0, 10, cut_mono_ns=99),
        made.batch(0, 10, 20, cut_mono_ns=100),
        made.batch(0, 30, 40, cut_mono_ns=200),
    )
    nothing = join(batches, made.results())
    assert walked(made.load(), SEED, 0, (100, 200), batches, nothing).arrived == 20
