"""Verdicts: supported, refuted and inconclusive, each seen; rules fixed in the config, and configs that can't be judged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.console import Console

from experiments.analysis.findings import findings
from experiments.analysis.hypotheses import decided, hypotheses
from experiments.analysis.measures import MEASURES
from experiments.analysis.summary import summary
from experiments.cli.verdict import print_end
from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.metrics.fairness import fairness, jain, shares
from experiments.metrics.response import Done, join
from experiments.metrics.trial import TrialSummary, summarise
from experiments.report.hypotheses import hypotheses_table
from experiments.report.page import page
from tests.made_run import made_run
from tests.made_trial import trial

CELLS = [{"swarm.batch_size": 1}, {"swarm.batch_size": 100}]
DESIGN, OTHER = "batch_size 100", "batch_size 1"


def trials(rates: dict[int, Sequence[float]]) -> list[TrialSummary]:
    """Sound trials of the two cells, with these carried rates block by block."""
    sound = summarise(*trial()[:2])
    return [
        msgspec.structs.replace(sound, cell=cell, replicate=block, carried_records_per_s=rate)
        for cell in CELLS
        for block, rate in enumerate(rates[cell["swarm.batch_size"]])
    ]


def asked(**more: Any) -> dict[str, Any]:
    return {"says": "H", "figure": "carried_records_per_s", "design": DESIGN, "alternative": OTHER, **more}


SPREAD = np.array([1.0, 1.04, 0.97, 1.02, 0.98, 1.01])
FAST, SLOW = (200 * SPREAD).tolist(), (100 * SPREAD[::-1]).tolist()


@pytest.mark.parametrize(
    ("margin", "decision"), [(1.5, "supported"), (2.5, "refuted"), (2.0, "inconclusive"), (1.0, "supported")]
)
def test_the_interval_is_held_against_the_margin(margin: float, decision: str) -> None:
    (found,) = hypotheses([asked(margin=margin)], trials({1: SLOW, 100: FAST}))
    assert found.decision == decision
    assert found.advantage is not None
    assert found.advantage.value == pytest.approx(2.0)
    assert found.rule == f"at least {margin:g} times as good"


def test_a_figure_that_counts_downwards_is_turned_round() -> None:
    """p99 here; the same cell is worse in it than it is good in throughput."""
    told = asked(figure="p50_response_s", margin=1.2)
    made = trials({1: SLOW, 100: FAST})
    slowed = [
        msgspec.structs.replace(
            one,
            response_time_s=msgspec.structs.replace(one.response_time_s, p50=0.03 if one.cell == CELLS[1] else 0.02),
        )
        for one in made
    ]
    (found,) = hypotheses([told], slowed)
    assert found.advantage is not None
    assert found.advantage.value == pytest.approx(2 / 3)
    assert found.decision == "refuted"


def with_p99(made: Sequence[TrialSummary], unmeasured: dict[int, set[int]]) -> list[TrialSummary]:
    """The trials with a p99 of 0.2 s, but in these blocks, by BATCH_SIZE, among records that never finished."""
    found = []
    for one in made:
        stuck = one.replicate in unmeasured.get(one.cell["swarm.batch_size"], ())
        response = msgspec.structs.replace(
            one.response_time_s,
            p99=None if stuck else 0.2,
            count=2700 if stuck else 3000,
            unfinished=300 if stuck else 0,
        )
        found.append(msgspec.structs.replace(one, response_time_s=response, outcome="overloaded" if stuck else "ok"))
    return found


EVERY = set(range(len(SPREAD)))


@pytest.mark.parametrize(
    ("told", "unmeasured", "decision"),
    [
        ({"alternative": None, "at_most": 0.5}, {}, "supported"),
        ({"alternative": None, "at_most": 0.5}, {100: {2}}, "refuted"),
        ({"margin": 0.9}, {100: {2}}, "inconclusive"),
        ({"margin": 0.9}, {1: {2}}, "inconclusive"),
        ({"margin": 0.9}, {100: EVERY}, "refuted"),
        ({"margin": 0.9}, {1: EVERY}, "supported"),
        ({"margin": 0.9}, {1: EVERY, 100: {1}}, "inconclusive"),
    ],
)
def test_a_quantile_beyond_measure_is_not_left_out(
    told: dict[str, Any], unmeasured: dict[int, set[int]], decision: str
) -> None:
    """It is longer than any that was seen: the rest alone would make a system that stood still look fast."""
    (found,) = hypotheses([asked(figure="p99_response_s", **told)], with_p99(trials({1: SLOW, 100: FAST}), unmeasured))
    assert found.decision == decision
    assert (found.of_design.value is None) is bool(unmeasured.get(100))


def test_the_cpu_of_a_system_of_which_a_part_was_killed_is_none() -> None:
    (one, *_) = trials({1: SLOW, 100: FAST})
    spent = {"gateway": 1.0, "broker": 0.5, "workers": 6.0, "sweeper": 0.0, "swarm": 9.0}
    figure = MEASURES["system_cpu_us_per_record"].of
    for part, whole in (("swarm", 7.5), ("workers", None), ("broker", None)):
        cost = {"cpu_s_per_million_records": {name: cpu for name, cpu in spent.items() if name != part}}
        assert figure(msgspec.structs.replace(one, cost=cost)) == whole


def test_what_is_decided_does_not_hang_on_the_machines_drift_from_block_to_block() -> None:
    drift = np.array([1.0, 3.0, 0.4, 2.0, 0.7, 1.3])
    (found,) = hypotheses([asked(margin=1.5)], trials({1: (SLOW * drift).tolist(), 100: (FAST * drift).tolist()}))
    assert found.decision == "supported"


def test_invalid_trials_and_dead_systems_say_nothing() -> None:
    made = trials({1: SLOW, 100: FAST})
    spoiled = [
        msgspec.structs.replace(one, valid=one.replicate != 0, outcome="failed" if one.replicate == 1 else "ok")
        for one in made
    ]
    (found,) = hypotheses([asked(margin=1.5)], spoiled)
    assert found.decision == "inconclusive"
    assert found.because == "no interval: ratio of geometric means; n = 4, no interval"


def test_several_verdicts_need_more_certainty_than_one() -> None:
    """At this margin the interval of one verdict leaves it out, and that of twenty doesn't."""
    made = trials({1: SLOW, 100: FAST})
    margin = next(
        margin
        for margin in np.arange(1.5, 2.0, 0.001).tolist()
        if hypotheses([asked(margin=margin)], made)[0].decision != "supported"
    )
    told = asked(margin=margin - 0.005)
    assert hypotheses([told], made)[0].decision == "supported"
    many = hypotheses([told] * 20, made)
    assert {one.decision for one in many} == {"inconclusive"}
    for one, wide in ((hypotheses([told], made)[0], 1.0), (many[0], 20.0)):
        assert one.advantage is not None
        assert one.judged_low is not None
        assert one.advantage.low is not None
        assert (one.judged_low < told["margin"]) == (wide > 1)
        assert (one.judged_low < one.advantage.low * 0.999999) == (wide > 1)


def test_a_limit_is_kept_in_every_trial_or_refuted_by_one() -> None:
    within = trials({1: SLOW, 100: FAST})
    told = {"says": "H", "figure": "lost_records", "design": DESIGN, "at_most": 0}
    (found,) = hypotheses([told], within)
    assert (found.decision, found.rule) == ("supported", "at most 0 in every trial")
    assert found.advantage is None
    first = within[-1]
    assert first.ledger is not None
    lossy = [*within[:-1], msgspec.structs.replace(first, ledger=msgspec.structs.replace(first.ledger, lost=1))]
    (found,) = hypotheses([told], lossy)
    assert (found.decision, found.because) == ("refuted", "1 of 6 trials are beyond it")
    (found,) = hypotheses([told], [one for one in within if one.replicate < 4])
    assert (found.decision, found.because) == ("inconclusive", "4 trials are within it, and 5 are asked for")
    (found,) = hypotheses([{**told, "figure": "carried_records_per_s", "at_most": None, "at_least": 199.0}], within)
    assert found.decision == "refuted"


def test_all_together_are_refuted_by_one_and_supported_by_all() -> None:
    made = trials({1: SLOW, 100: FAST})
    good, bad, open_ = asked(margin=1.5), asked(margin=2.5), asked(margin=2.0)
    assert decided(hypotheses([good, good], made)) == "supported"
    assert decided(hypotheses([good, bad, open_], made)) == "refuted"
    assert decided(hypotheses([good, open_], made)) == "inconclusive"
    assert decided([]) is None


def test_the_verdicts_stand_in_summary_report_and_at_the_runs_end(tmp_path: Path) -> None:
    run = made_run(tmp_path, CELLS, hypotheses=[asked(margin=0.5, says="Batches of <100> do no harm.")])
    found = summary(run)
    assert found.decision == "supported"
    text = page(findings(run, found), {})
    assert "<p>The design is <b>supported</b>.</p>" in text
    assert "Batches of &lt;100&gt; do no harm." in text
    console = Console(record=True, width=200)
    print_end(console, found, run.path)
    said = console.export_text()
    assert "supported: Batches of <100> do no harm. (the interval lies above 0.5)" in said
    assert "SUPPORTED: 1 supported" in said


def test_a_run_without_hypotheses_has_no_verdict(tmp_path: Path) -> None:
    found = summary(made_run(tmp_path, CELLS, replicates=1))
    assert (found.hypotheses, found.decision) == ([], None)


def test_every_measure_gives_a_number_or_none_of_any_trial() -> None:
    one = summarise(*trial()[:2])
    for name, measure in MEASURES.items():
        value = measure.of(one)
        assert value is None or np.isfinite(value), name
        assert measure.of(msgspec.structs.replace(one, cost={}, ledger=None, fairness=None)) is None or name.startswith(
            ("carried", "p50", "p99")
        )
    assert MEASURES["system_cpu_us_per_record"].of(one) == pytest.approx(
        sum(one.cost["cpu_s_per_million_records"][part] for part in ("gateway", "broker", "workers"))
    )


# The config.

TEXT = """
[experiment]
name = "x"
[[experiment.hypotheses]]
says = "H"
figure = "carried_records_per_s"
design = "batch_size 100"
alternative = "batch_size 1"
margin = 1.2
[swarm.arrivals]
kind = "saturate"
[factors]
"swarm.batch_size" = [1, 100]
"""


def test_a_config_holds_its_hypotheses() -> None:
    made = decode(TEXT, source="x.toml", folder=Path())
    assert [one.margin for one in made.hypotheses] == [1.2]
    assert made.hypotheses[0].alternative == "batch_size 1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'design = "batch_size 100"',
            'design = "batch_size 10"',
            'must be one of those there are, got "batch_size 10"',
        ),
        ('"carried_records_per_s"', '"carried_record_per_s"', 'the nearest is "carried_records_per_s"'),
        (
            'alternative = "batch_size 1"',
            "",
            "must have either an alternative or a limit (at_most, at_least), got neither",
        ),
        ("margin = 1.2", "at_most = 3.0", "got alternative and at_most"),
        ("margin = 1.2", "margin = 0", "experiment.hypotheses[0].margin must be a number > 0, got 0"),
        ("margin", "margins", "unknown key experiment.hypotheses.margins"),
        ('alternative = "batch_size 1"', 'alternative = "batch_size 100"', "must be another cell than design"),
    ],
)
def test_a_hypothesis_that_can_not_be_judged_is_refused(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        decode(TEXT.replace(old, new, 1), source="x.toml", folder=Path())
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# Fairness.


def test_jains_index_is_one_for_equals_and_one_nth_for_one_alone() -> None:
    assert jain(np.array([3.0, 3.0, 3.0])) == pytest.approx(1.0)
    assert jain(np.array([5.0, 0.0, 0.0, 0.0])) == pytest.approx(0.25)


def test_a_fair_share_is_an_equal_part_but_never_more_than_was_offered() -> None:
    assert shares(np.array([10.0, 100.0, 100.0]), 70.0).tolist() == [10.0, 30.0, 30.0]
    assert shares(np.array([100.0, 10.0, 20.0]), 1000.0).tolist() == [100.0, 10.0, 20.0]
    assert shares(np.array([50.0, 50.0]), 20.0).tolist() == [10.0, 10.0]


def test_a_sound_trial_is_fair_and_one_in_which_an_agent_starved_is_not() -> None:
    one = trial()
    done = join(one.tables.batches, one.tables.results)
    found = fairness(one.record, one.tables, done)
    assert found is not None
    assert found.agents == 3
    assert found.index == pytest.approx(1.0, abs=0.01)
    starved = Done(columns={name: column[done["agent"] != 2] for name, column in done.columns.items()})
    found = fairness(one.record, one.tables, starved)
    assert found is not None
    assert found.least_ratio == 0.0
    assert found.index < 0.8


def test_where_nothing_was_carried_there_is_no_fairness() -> None:
    one = trial()
    done = join(one.tables.batches, one.tables.results)
    none = Done(columns={name: column[:0] for name, column in done.columns.items()})
    assert fairness(one.record, one.tables, none) is None


def test_in_the_page_the_verdict_stands_beside_its_hypothesis_and_no_number_has_an_exponent() -> None:
    large = [rate * 2000 for rate in FAST]
    text = hypotheses_table(hypotheses([asked(margin=1.5)], trials({1: SLOW, 100: large})))
    assert "<td>H</td><td>supported</td>" in text
    assert "<td>batch_size 100</td><td>401,2" in text
    assert "e+" not in text
