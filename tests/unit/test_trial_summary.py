"""A trial's summary: a sound trial is valid and its figures are those it was made with; each fault is found."""

import msgspec
import numpy as np
import pytest

from experiments.metrics.trial import TrialSummary, summarise
from tests import made, made_trial
from tests.made_trial import STAGES_NS, START, WINDOW, Made, trial


def summary(one: Made) -> TrialSummary:
    return summarise(one.record, one.tables)


def changed(one: Made, table: str, row: int, **values: object) -> Made:
    """The same trial with some values of one row of a table changed."""
    copy = getattr(one.tables, table).copy()
    for name, value in values.items():
        copy[name][row] = value
    return one.with_tables(**{table: copy})


def without_result(one: Made, row: int) -> Made:
    """The same trial, of which one result row was never written: by the system's own count too."""
    hits = one.tables.hits[one.tables.hits["result"] != row].copy()
    hits["result"] -= hits["result"] > row
    results = np.delete(one.tables.results, row)
    return one.with_tables(results=results, hits=hits).with_record(
        recorded_rows=len(results), counters={"batches_analysed": len(results)}
    )


SOUND = trial()


def test_a_sound_trial_is_valid_and_says_nothing_more() -> None:
    found = summary(SOUND)
    assert (found.valid, found.reasons, found.outcome, found.failure) == (True, [], "ok", None)
    assert found.ledger is not None
    assert found.ledger.analysed == found.ledger.planned == SOUND.record.planned == 3 * 300
    assert (found.commit_instants_unknown, found.malformed_records) == (0, 0)


def test_its_figures_are_those_it_was_made_with() -> None:
    found = summary(SOUND)
    assert found.offered_records_per_s == pytest.approx(300.0, rel=0.06)
    assert found.carried_records_per_s == pytest.approx(300.0, rel=0.06)
    committed = SOUND.tables.results["committed_mono_ns"]
    inside = (committed >= WINDOW[0]) & (committed < WINDOW[1])
    assert found.carried_records_per_s == SOUND.tables.results["count"][inside].sum() / 2.0
    assert found.carried_bytes_per_s == pytest.approx(250 * found.carried_records_per_s)
    assert {name: one.p50 for name, one in found.stages_s.items() if name != "batch_wait"} == {
        "send_lag": 0.001, "ingest": 0.002, "queue_wait": 0.003, "fetch": 0.004, "scan": 0.005, "commit": 0.006,
    }  # fmt: skip
    # Constant gaps of 10 ms fill a batch of 10 in 90 ms, which each of its records waits 0 to 90 ms of.
    assert found.stages_s["batch_wait"].max == pytest.approx(0.090)
    assert found.response_time_s.max == pytest.approx(0.090 + STAGES_NS[-1] / 1e9)
    assert found.response_time_s.count == 600
    assert found.response_time_is == "from each record's arrival"
    carried = found.carried_records_per_s * 2.0
    assert found.cost["cpu_s_per_million_records"] == {
        "gateway": pytest.approx(0.1e6 / carried),
        "broker": pytest.approx(0.05e6 / carried),
        "workers": pytest.approx(0.6e6 / carried),
        "swarm": pytest.approx(0.2e6 / carried),
    }


def test_planted_attacks_are_all_found() -> None:
    found = summary(SOUND).detections
    assert found is not None
    assert found.planted == found.found == len(SOUND.tables.hits) > 100
    assert (found.missed, found.spurious) == (0, 0)


# Every reason for which a trial is invalid, planted.


def test_rows_that_the_recorder_could_not_take_in_time_make_it_invalid() -> None:
    rows = len(SOUND.tables.results)
    one = SOUND.with_record(counters={"batches_analysed": rows + 3, "rows_dropped": 3})
    assert summary(one).reasons == ["recorder: 3 result rows overflowed before they were drained"]
    assert not summary(one).valid


@pytest.mark.parametrize("off_by", [-1, 1])
def test_a_recorder_that_took_another_number_of_rows_than_were_written_makes_it_invalid(off_by: int) -> None:
    rows = len(SOUND.tables.results)
    one = SOUND.with_record(counters={"batches_analysed": rows + off_by})
    assert summary(one).reasons == [f"recorder: {rows} result rows were drained, the system wrote {rows + off_by}"]


@pytest.mark.parametrize(
    ("fsync", "kind", "judged"), [(False, "kill_broker", False), (True, "kill_broker", True), (False, "stall", True)]
)
def test_a_broker_that_was_killed_counts_from_zero_unless_its_books_were_on_the_disk(
    fsync: bool, kind: str, judged: bool
) -> None:
    fault = {"kind": kind, "at_s": 1.0, "at_mono_ns": 1, "done": {}}
    one = SOUND.with_record(counters={"batches_analysed": 1}, faults=[fault], config={"system": {"fsync": fsync}})
    assert any(reason.startswith("recorder:") for reason in summary(one).reasons) is judged


def test_batches_given_up_are_rows_that_the_system_wrote() -> None:
    rows = len(SOUND.tables.results)
    one = SOUND.with_record(counters={"batches_analysed": rows - 2, "batches_dead": 2})
    assert summary(one).reasons == []


def test_a_batch_found_to_hold_another_number_of_records_makes_it_invalid() -> None:
    one = changed(SOUND, "results", 4, records=int(SOUND.tables.results["count"][4]) - 1)
    assert summary(one).reasons == ["records: 1 batches were found to hold another number of records than was sent"]


def test_an_acknowledgement_of_what_was_never_sent_makes_it_invalid() -> None:
    one = SOUND.with_record(swarm={"bad_acks": 2})
    assert summary(one).reasons == ["acknowledgements: 2 acknowledgements of batches that were never sent"]


def test_connections_made_again_are_told_and_an_early_summary_knows_of_none() -> None:
    assert summary(SOUND.with_record(swarm={"bad_acks": 0, "reconnects": 3})).agents == {"reconnects": 3}
    assert summary(SOUND.with_record(swarm={})).agents == {}


def test_a_missed_attack_makes_it_invalid() -> None:
    one = SOUND.with_tables(hits=SOUND.tables.hits[1:])
    found = summary(one)
    assert found.reasons == ["detections: 1 missed"]
    assert found.detections is not None
    assert (found.detections.missed, found.detections.spurious) == (1, 0)


def test_a_detection_that_was_never_planted_makes_it_invalid() -> None:
    hits = np.concatenate([SOUND.tables.hits, SOUND.tables.hits[:1]])
    assert summary(SOUND.with_tables(hits=hits)).reasons == ["detections: 1 spurious"]


def test_a_detection_one_record_off_is_one_missed_and_one_spurious() -> None:
    other = changed(SOUND, "hits", 0, record=int(SOUND.tables.hits["record"][0]) + 10)
    assert summary(other).reasons == ["detections: 1 missed", "detections: 1 spurious"]


def test_a_ledger_that_does_not_close_makes_it_invalid() -> None:
    one = SOUND.with_record(planned=SOUND.record.planned + 10)
    assert summary(one).reasons == ["ledger: planned = overflowed + unsent + sent doesn't hold: 910 and 900"]


def test_a_batch_logged_twice_makes_it_invalid() -> None:
    one = SOUND.with_tables(batches=np.concatenate([SOUND.tables.batches, SOUND.tables.batches[3:4]]))
    first, second = summary(one).reasons
    assert first.startswith("schedule: the swarm cut other batches")
    assert second == "swarm log: 10 records stand more than once in its log"


def test_a_batch_cut_at_another_time_than_scheduled_makes_it_invalid_and_gives_no_response_time() -> None:
    late = int(SOUND.tables.batches["cut_mono_ns"][5]) + 1
    found = summary(changed(SOUND, "batches", 5, cut_mono_ns=late))
    assert [reason.partition(",")[0] for reason in found.reasons] == ["schedule: the swarm cut other batches"]
    assert (found.response_time_s.count, found.response_time_s.p50) == (0, None)


@pytest.mark.parametrize("fingerprint", ["0" * 32, None])
def test_a_schedule_that_the_seeds_do_not_give_any_more_makes_it_invalid(fingerprint: str | None) -> None:
    load = msgspec.structs.replace(SOUND.record.load, fingerprint=fingerprint)
    found = summary(SOUND.with_record(load=load))
    (reason,) = found.reasons
    assert reason.startswith(f"schedule: the seeds give {SOUND.record.load.fingerprint} today and gave {fingerprint}")
    assert found.response_time_s.count == 0


def test_another_seed_is_another_schedule_and_another_truth() -> None:
    found = summary(SOUND.with_record(seed=6))
    assert [reason.partition(":")[0] for reason in found.reasons] == ["schedule", "detections", "detections"]


def test_several_reasons_are_all_given() -> None:
    one = SOUND.with_record(swarm={"bad_acks": 1}, planned=1).with_tables(hits=SOUND.tables.hits[2:])
    assert [reason.partition(":")[0] for reason in summary(one).reasons] == ["ledger", "acknowledgements", "detections"]


def test_a_result_of_what_was_never_sent_makes_it_invalid() -> None:
    batches = SOUND.tables.batches.copy()
    batches["sent_mono_ns"][4] = batches["acked_mono_ns"][4] = 0
    (reason,) = summary(SOUND.with_tables(batches=batches)).reasons
    assert reason == "results: 10 records have a result and were never sent: somebody else's, or corrupt"


def test_an_unknown_commit_instant_makes_it_invalid_unless_something_was_killed() -> None:
    one = changed(SOUND, "results", 3, committed_mono_ns=0)
    assert summary(one).reasons == [
        "instants: the commit instants of 1 batches are unknown, although nothing was killed"
    ]
    killed = [{"kind": "kill_worker_child", "at_s": 1.0, "at_mono_ns": START, "done": {"killed_pids": [7]}}]
    assert summary(one.with_record(faults=killed)).valid


# Outcomes: what the system did, which makes no trial invalid.


def test_a_lost_batch_is_lossy_and_valid() -> None:
    found = summary(without_result(SOUND, 7))
    assert (found.valid, found.outcome) == (True, "lossy")
    assert found.ledger is not None
    assert found.ledger.lost == 10


def test_a_batch_given_up_is_lossy() -> None:
    one = without_result(SOUND, 7)
    gone = SOUND.tables.results[7:8].copy()
    gone["analysed"], gone["dead"], gone["records"] = False, True, 0
    one = one.with_tables(results=np.concatenate([one.tables.results, gone])).with_record(
        recorded_rows=len(SOUND.tables.results),
        counters={"batches_analysed": len(one.tables.results), "batches_dead": 1},
    )
    found = summary(one)
    assert (found.valid, found.reasons, found.outcome) == (True, [], "lossy")
    assert found.ledger is not None
    assert (found.ledger.dead, found.ledger.lost) == (10, 0)


def test_a_batch_that_overflowed_in_its_agent_is_lossy() -> None:
    one = changed(without_result(SOUND, 7), "batches", 7, overflowed=True, sent_mono_ns=0, acked_mono_ns=0)
    assert (summary(one).reasons, summary(one).outcome) == ([], "lossy")


def test_a_batch_with_two_rows_is_lossy_and_counts_once() -> None:
    results = np.concatenate([SOUND.tables.results, SOUND.tables.results[7:8]])
    one = SOUND.with_tables(results=results).with_record(
        recorded_rows=len(results), counters={"batches_analysed": len(results)}
    )
    found = summary(one)
    assert (found.reasons, found.outcome) == ([], "lossy")
    assert found.ledger is not None
    assert found.ledger.duplicate_results == 10
    assert found.carried_records_per_s == summary(SOUND).carried_records_per_s


def test_the_hits_of_a_second_row_are_not_judged_twice() -> None:
    rows = SOUND.tables.results
    row = int(SOUND.tables.hits["result"][0])
    again = SOUND.tables.hits[SOUND.tables.hits["result"] == row].copy()
    again["result"] = len(rows)
    second = rows[row : row + 1].copy()
    second["committed_mono_ns"] += 1
    one = SOUND.with_tables(
        results=np.concatenate([rows, second]), hits=np.concatenate([SOUND.tables.hits, again])
    ).with_record(recorded_rows=len(rows) + 1, counters={"batches_analysed": len(rows) + 1})
    assert summary(one).reasons == []
    assert summary(one).detections == summary(SOUND).detections


@pytest.mark.parametrize(
    ("waiting", "changes"),
    [
        pytest.param(True, {}, id="in the queue"),
        pytest.param(False, {"sent_mono_ns": 0, "acked_mono_ns": 0}, id="unsent"),
        pytest.param(False, {"acked_mono_ns": 0}, id="never answered"),
    ],
)
def test_what_is_left_over_at_the_end_is_overloaded(waiting: bool, changes: dict[str, int]) -> None:
    one = changed(without_result(SOUND, 7), "batches", 7, **changes)
    lost = SOUND.tables.batches[7]
    left = [(int(lost["agent"]), int(lost["first"]), int(lost["count"]))] if waiting else []
    found = summary(one.with_record(left=left))
    assert (found.valid, found.reasons, found.outcome) == (True, [], "overloaded")


def test_a_backlog_that_grows_all_through_the_window_is_overloaded() -> None:
    results = SOUND.tables.results.copy()
    since = results["committed_mono_ns"] - START
    results["committed_mono_ns"] = START + since + since // 5  # each second of load takes 1.2 seconds
    found = summary(SOUND.with_tables(results=results))
    assert (found.valid, found.outcome) == (True, "overloaded")


@pytest.mark.parametrize("late_ns", [0, 40_000_000, 200_000_000])
def test_a_batch_more_or_less_under_way_at_the_windows_end_is_no_overload(late_ns: int) -> None:
    """Batches of 10 records in a window of 600: three of them are 5 %."""
    results = SOUND.tables.results.copy()
    after = results["committed_mono_ns"] > WINDOW[1] - 400_000_000
    results["committed_mono_ns"][after] += late_ns
    found = summary(SOUND.with_tables(results=results))
    assert (found.valid, found.outcome) == (True, "ok")


def test_loss_beats_overload() -> None:
    one = without_result(without_result(SOUND, 7), 7)
    lost = SOUND.tables.batches[7]
    left = [(int(lost["agent"]), int(lost["first"]), int(lost["count"]))]
    assert summary(one.with_record(left=left)).outcome == "lossy"


def test_a_failed_trial_has_no_figures_and_says_why() -> None:
    found = summarise(msgspec.structs.replace(SOUND.record, failure="the recorder died"), None)
    assert (found.valid, found.outcome, found.failure) == (False, "failed", "the recorder died")
    assert found.reasons == ["failed: the recorder died"]
    assert (found.ledger, found.detections, found.carried_records_per_s) == (None, None, None)
    assert found.response_time_s.count == 0
    assert summarise(SOUND.record, None).reasons == ["failed: no tables"]


# What isn't known is said, and is no number.


def test_commit_instants_that_nobody_shipped_are_counted_and_carry_nothing() -> None:
    inside = int(np.flatnonzero(SOUND.tables.batches["cut_mono_ns"] > WINDOW[0])[0])
    found = summary(changed(SOUND, "results", inside, committed_mono_ns=0))
    assert found.commit_instants_unknown == 1
    assert found.ledger == summary(SOUND).ledger
    assert found.carried_records_per_s == summary(SOUND).carried_records_per_s - 10 / 2.0


def test_a_trial_in_which_nothing_was_analysed_has_rates_of_0_and_no_response_time() -> None:
    one = SOUND.with_tables(results=made.results(), hits=made.hits()).with_record(recorded_rows=0, counters={})
    found = summary(one)
    assert (found.valid, found.outcome, found.carried_records_per_s) == (True, "lossy", 0.0)
    assert found.response_time_s.p50 is None
    assert set(found.cost["cpu_s_per_million_records"].values()) == {None}


def test_real_log_lines_have_no_truth_and_only_count() -> None:
    load = msgspec.structs.replace(SOUND.record.load, records={"source": "files", "paths": ["x"]})
    found = summary(SOUND.with_record(load=load)).detections
    assert found is not None
    assert (found.planted, found.found, found.missed, found.spurious) == (None, len(SOUND.tables.hits), None, None)
    assert summary(SOUND.with_record(load=load)).valid


def test_a_pack_without_a_planted_signature_is_not_blamed_for_missing_it() -> None:
    gone = int(SOUND.tables.hits["signature"][0])
    kept = [place for place in range(len(SOUND.record.signatures)) if place != gone]
    hits = SOUND.tables.hits[SOUND.tables.hits["signature"] != gone].copy()
    hits["signature"] = [kept.index(number) for number in hits["signature"]]
    one = SOUND.with_tables(hits=hits).with_record(signatures=[SOUND.record.signatures[place] for place in kept])
    found = summary(one)
    assert found.reasons == []
    assert found.detections is not None
    assert found.detections.planted == len(hits)


# Full load.


def test_a_drain_is_timed_from_the_first_start_to_the_last_commit_and_offers_nothing() -> None:
    load = made.load(arrivals={"kind": "drain"})
    cut = made.batches(*(made.batch(0, 10 * n, 10, cut_mono_ns=5) for n in range(4)))
    rows = made.results(
        *(
            made.result(
                0, 10 * n, 10, packed_bytes=100, started_mono_ns=1_000_000_000 * (n + 1),
                committed_mono_ns=1_000_000_000 * (n + 2) - 1,
            )
            for n in range(4)
        )
    )  # fmt: skip
    record = made.record(
        load=load, window=(10, 9_000_000_000), planned=40, recorded_rows=4, counters={"batches_analysed": 4}
    )
    found = summarise(record, made.tables(cut, rows))
    assert (found.valid, found.outcome, found.offered_records_per_s) == (True, "ok", None)
    assert found.carried_records_per_s == pytest.approx(40 / 4.0)
    assert found.carried_bytes_per_s == pytest.approx(400 / 4.0)
    assert (found.response_time_s.count, list(found.stages_s)) == (0, ["fetch", "scan", "commit"])
    assert found.response_time_is.startswith("none: the backlog was laid down before")


def test_a_window_of_no_length_has_no_rates() -> None:
    found = summarise(made.record(window=(7, 7)), made.tables(made.batches(), made.results()))
    assert (found.offered_records_per_s, found.carried_records_per_s, found.carried_bytes_per_s) == (None, None, None)


def test_a_drain_without_a_result_has_no_rates() -> None:
    found = summarise(
        made.record(load=made.load(arrivals={"kind": "drain"})), made.tables(made.batches(), made.results())
    )
    assert found.carried_records_per_s is None


def test_the_made_trial_plays_its_schedule_in_full() -> None:
    """The plants above mean something only if the trial they are planted in is whole."""
    assert len(SOUND.tables.batches) == 90
    assert made_trial.load().fingerprint == SOUND.record.load.fingerprint


def test_the_swarms_own_lag_is_told_and_is_none_where_nothing_was_due() -> None:
    said = {**SOUND.record.swarm, "paced": 90, "late_p50_ns": 50_000, "late_p99_ns": 180_000, "late_max_ns": 2_000_000}
    found = summary(SOUND.with_record(swarm=said)).schedule_lag_s
    assert found is not None
    assert (found.flushes, found.p50, found.p99, found.max) == (90, 50e-6, 180e-6, 2e-3)
    assert summary(SOUND).schedule_lag_s is None
    assert summary(SOUND.with_record(swarm={**SOUND.record.swarm, "paced": 0})).schedule_lag_s is None


def test_the_load_offered_is_that_of_the_records_that_arrived_also_where_no_batch_was_cut_in_the_window() -> None:
    slow = trial(timeout_s=60.0, batch_size=1000)
    cut = slow.tables.batches["cut_mono_ns"]
    assert not ((cut >= WINDOW[0]) & (cut < WINDOW[1])).any()
    found = summary(slow)
    assert (found.valid, found.offered_records_per_s) == (True, 300.0)
