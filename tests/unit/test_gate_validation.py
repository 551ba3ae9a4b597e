"""Validation's arithmetic on made verdicts: shares with exact bounds, coverage, today's rules; and how a verdict goes on."""

import contextlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from experiments.gate.build import Build, SideError
from experiments.gate.metric import METRICS
from experiments.gate.play import play
from experiments.gate.slot import Pair
from experiments.validation import sitting
from experiments.validation.plant import PLANTS
from experiments.validation.report import page
from experiments.validation.tally import Share, tallies
from experiments.validation.today import mann_whitney, t_test, threshold
from experiments.validation.verdict import Sitting, Verdict, read, write
from tests.unit.gate_pairs import HEAVY, Fake, pairs_of, steady

THROUGHPUT = METRICS["throughput"]


def verdict(plant: str, number: int, pairs: list[Pair], *, at: int = 0) -> Verdict:
    begun = Sitting(begun_utc=f"2026-11-28T10:{at:02d}:00", machine={}, load_average=1.0, first_pair=0)
    return Verdict(
        plant=plant, number=number, scenario="gate-heavy", gated=HEAVY.gated, commit="c", harness=None, seed=1,
        sittings=[begun], pairs=pairs,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 30, 0.0, 1 - 0.025 ** (1 / 30)), (10, 10, 0.025**0.1, 1.0), (0, 0, 0.0, 1.0), (1, 1, 0.025, 1.0)],
)
def test_a_share_has_its_exact_bounds(hits: int, of: int, low: float, high: float) -> None:
    assert Share(hits, of).bounds == pytest.approx((low, high))


def test_shares_are_counted_by_plant_and_the_planted_process_is_looked_for() -> None:
    made = [verdict("a-a", number, pairs_of(13, sd=0.01, seed=number), at=number) for number in (1, 2, 3)]
    made += [verdict("workers-10", n, pairs_of(13, workers=0.2, sd=0.01, seed=9 + n), at=9 + n) for n in (1, 2)]
    made.append(verdict("a-a", 4, pairs_of(3)))
    none, workers = tallies(made)
    assert (none.plant, none.unfinished, none.verdicts["FAIL"]) == ("a-a", 1, Share(0, 3))
    assert none.verdicts["PASS"] == Share(3, 3)
    assert none.covered is not None
    assert (none.covered.of, workers.covered) == (6, None)
    assert (workers.verdicts["FAIL"], workers.named) == (Share(2, 2), Share(2, 2))
    assert 0 < none.sd_pair["throughput"][1] < 0.02
    text = page([none, workers])
    assert "| the gate | 0 of 3 (0.0% to 70.8%) | 2 of 2 (15.8% to 100.0%) |" in text


def test_an_interval_that_misses_the_truth_is_not_covered() -> None:
    (tally,) = tallies([verdict("a-a", 1, pairs_of(13, slowdown=0.2, sd=0.001))])
    assert tally.covered is not None
    assert tally.covered.hits < tally.covered.of


@pytest.mark.parametrize("rule", [t_test, mann_whitney])
def test_todays_tests_call_a_clear_slowdown_slower_and_a_gain_not(rule: object) -> None:
    assert rule(pairs_of(20, slowdown=0.2)[1:], THROUGHPUT, None) is True  # type: ignore[operator]
    assert rule(pairs_of(20, slowdown=-0.2)[1:], THROUGHPUT, None) is False  # type: ignore[operator]


def test_a_stored_threshold_needs_something_stored_and_counts_from_it() -> None:
    pairs = pairs_of(20, sd=0.001)[1:]
    assert threshold(pairs, THROUGHPUT, None) is None
    assert threshold(pairs, THROUGHPUT, 300_000 * 1.2) is True  # the machine was quicker when it was stored
    assert threshold(pairs, THROUGHPUT, 300_000) is False


def test_all_a_then_all_b_takes_a_drift_for_a_slowdown_which_pairs_do_not() -> None:
    drifting = []
    for one in pairs_of(24, sd=0.002):
        slots = tuple(
            msgspec.structs.replace(
                slot, figures={k: (v or 0) * (1 - 0.01 * one.index) for k, v in slot.figures.items()}
            )
            for slot in one.slots
        )
        drifting.append(msgspec.structs.replace(one, slots=slots))
    assert t_test(drifting[1:], THROUGHPUT, None) is True
    assert mann_whitney(drifting[1:], THROUGHPUT, None) is False
    assert verdict("a-a", 1, drifting).judged().verdict == "PASS"


def test_a_verdict_is_kept_and_read_back(tmp_path: Path) -> None:
    one = verdict("a-a", 1, pairs_of(2))
    write(tmp_path, one)
    assert list(read(tmp_path)) == [one]


def test_a_sitting_goes_on_with_the_unfinished_verdict_and_begins_another_after_a_finished_one(tmp_path: Path) -> None:
    write(tmp_path, verdict("a-a", 1, pairs_of(13, sd=0.01)))
    assert sitting.begun(tmp_path, PLANTS["a-a"], HEAVY, "c").number == 2
    write(tmp_path, verdict("a-a", 2, pairs_of(3)))
    found = sitting.begun(tmp_path, PLANTS["a-a"], HEAVY, "c")
    assert (found.number, len(found.pairs)) == (2, 4)


def test_resumed_pairs_count_and_the_next_one_has_the_next_number() -> None:
    fake = Fake(steady())
    resumed = play([HEAVY], Fake(steady()), seed=3, budget_s=100, accepted={}).pairs["gate-heavy"]
    found = play([HEAVY], fake, seed=3, budget_s=10_000, accepted={}, resumed={"gate-heavy": resumed})
    assert fake.asked[0][3] == len(resumed)
    assert [one.index for one in found.pairs["gate-heavy"]] == list(range(len(found.pairs["gate-heavy"])))
    assert found.results["gate-heavy"].verdict == "PASS"


BUSY = """
import time
class Analyst:
    def analyse(self):
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
"""
MEASURED = """
import time
from system.worker.analyst import Analyst
Analyst().analyse()
begun = time.process_time()
for _ in range(4):
    Analyst().analyse()
print(time.process_time() - begun)
"""


def test_a_plant_burns_its_share_of_the_process_cpu_time(tmp_path: Path) -> None:
    (tmp_path / "system" / "worker").mkdir(parents=True)
    (tmp_path / "system" / "worker" / "analyst.py").write_text(BUSY)
    for package in ("system", "system/worker"):
        (tmp_path / package / "__init__.py").touch()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    PLANTS["workers-10"].apply(Build("head", "c" * 40, tmp_path, python))
    done = subprocess.run([python, "-P", "-c", MEASURED], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(0.2 * 1.10, rel=0.02)


def test_a_plant_that_finds_no_method_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "system" / "worker").mkdir(parents=True)
    (tmp_path / "system" / "worker" / "analyst.py").write_text("class Analyst:\n    pass\n")
    with pytest.raises(SideError, match=r"Analyst\.analyse of system\.worker\.analyst can't be slowed"):
        PLANTS["workers-5"].apply(Build("head", "c" * 40, tmp_path, Path(sys.executable)))


def test_a_sitting_keeps_each_pair_and_the_next_one_finishes_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patched: list[str] = []
    sides = {side: Build(side, "c" * 40, tmp_path / side, tmp_path) for side in ("base", "head")}  # type: ignore[arg-type]
    monkeypatch.setattr(sitting, "builds", lambda _repository, _commits: contextlib.nullcontext(sides))
    monkeypatch.setattr(sitting, "LiveRunner", lambda *_: Fake(steady(), slot_s=0.0))
    monkeypatch.setattr(type(PLANTS["a-a"]), "apply", lambda _plant, side: patched.append(side.side))
    kept = tmp_path / "kept"
    write(kept, verdict("a-a", 1, pairs_of(3, seed=1)))
    said: list[str] = []
    found = sitting.sit(tmp_path, kept, PLANTS["a-a"], "gate-heavy", "c" * 40, 1000.0, said.append)
    assert patched == ["head"]
    assert found.judged().verdict == "PASS"
    assert list(read(kept)) == [found]
    assert [one.first_pair for one in found.sittings] == [0, 4]
    assert said[0] == "a-a 1: pair 4"
