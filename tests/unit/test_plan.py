"""The plan: blocks, order and seeds."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from experiments.design.config import decode
from experiments.design.experiment import Experiment
from experiments.design.plan import DRAIN_S, START_S, STOP_S, Plan, plan

TEXT = """
[experiment]
name = "sweep"
seed = {seed}
{replicates}

[swarm.arrivals]
kind = "saturate"

[trial]
warmup_s = 1.0
measure_s = 3.0

[factors]
"swarm.batch_size" = [1, 10, 100, 1000]
"swarm.agents" = [2, 20]
"""


def experiment(seed: int = 7, replicates: str = "replicates = 4") -> Experiment:
    text = TEXT.format(seed=seed, replicates=replicates)
    return decode(text, source="x.toml", folder=Path("."))


def order(of: Plan) -> list[int]:
    return [trial.cell.index for trial in of.trials]


def test_every_block_holds_every_cell_once() -> None:
    trials = plan(experiment()).trials
    assert len(trials) == 32
    for block in range(4):
        assert Counter(trial.cell.index for trial in trials if trial.block == block) == Counter(range(8))


def test_blocks_follow_one_another_and_trials_are_numbered_as_they_run() -> None:
    trials = plan(experiment()).trials
    assert [trial.index for trial in trials] == list(range(32))
    assert [trial.block for trial in trials] == sorted(trial.block for trial in trials)
    assert all(trial.replicate == trial.block for trial in trials)


def test_all_cells_of_a_replicate_share_one_seed_and_replicates_differ() -> None:
    seeds = {block: {trial.seed for trial in plan(experiment()).trials if trial.block == block} for block in range(4)}
    assert all(len(each) == 1 for each in seeds.values())
    assert len(set.union(*seeds.values())) == 4
    assert all(0 <= seed < 2**53 for each in seeds.values() for seed in each)


def test_a_trial_is_run_with_its_cells_settings() -> None:
    for trial in plan(experiment()).trials:
        assert trial.config.swarm.batch_size == trial.cell.levels["swarm.batch_size"]
        assert trial.config.swarm.agents == trial.cell.levels["swarm.agents"]


def test_the_order_differs_between_blocks_and_is_not_the_cells_own() -> None:
    blocks = [order(plan(experiment()))[start : start + 8] for start in range(0, 32, 8)]
    assert len({tuple(each) for each in blocks}) == 4
    assert list(range(8)) not in blocks


def test_the_order_changes_with_the_seed_and_with_nothing_else() -> None:
    assert order(plan(experiment(seed=7))) == order(plan(experiment(seed=7)))
    assert order(plan(experiment(seed=7))) != order(plan(experiment(seed=8)))


def test_more_replicates_begin_with_the_same_trials() -> None:
    few, many = plan(experiment()), plan(experiment(replicates="replicates = 9"))
    assert many.trials[: len(few.trials)] == few.trials


def test_the_seeds_and_order_of_one_experiment_are_fixed() -> None:
    """Golden: a change here means that no earlier experiment can be reproduced."""
    made = plan(experiment())
    assert order(made)[:8] == [5, 7, 4, 0, 1, 6, 2, 3]
    assert made.trials[0].seed == 2402677546943948
    assert made.trials[0].epoch("20260314-060000") == 6603663372683365654


def test_no_two_trials_of_any_run_share_an_epoch() -> None:
    trials = plan(experiment()).trials
    epochs = [trial.epoch(run) for run in ("a", "b") for trial in trials]
    assert len(set(epochs)) == 64
    assert all(0 <= epoch < 2**64 for epoch in epochs)


def test_over_many_blocks_each_cell_comes_first_about_equally_often() -> None:
    """Expected 1000 / 8 = 125 firsts; sqrt(1000 * 1/8 * 7/8) = 10.5, so five deviations are 52. The seed is fixed."""
    made = plan(experiment(replicates="replicates = 1000"))
    firsts = Counter(trial.cell.index for trial in made.trials if trial.index % 8 == 0)
    assert all(abs(firsts[cell] - 125) < 52 for cell in range(8))


def test_adaptive_replicates_plan_the_most_and_know_the_least() -> None:
    adaptive = "min_replicates = 2\nmax_replicates = 6\nci_half_width = 0.05"
    made = plan(experiment(replicates=adaptive))
    assert len(made.trials) == 48
    assert made.least_blocks == 2


def test_without_a_number_of_replicates_there_are_five() -> None:
    assert len(plan(experiment(replicates="")).trials) == 40


def test_a_trial_takes_its_phases_and_the_stack_around_them() -> None:
    made = plan(experiment())
    assert made.trials[0].expected_s == START_S + 1.0 + 3.0 + DRAIN_S + STOP_S
    assert made.expected_s == pytest.approx(32 * made.trials[0].expected_s)


def test_a_plan_and_its_experiment_come_back_from_json_as_they_were() -> None:
    made = experiment()
    assert msgspec.json.decode(msgspec.json.encode(made), type=Experiment) == made
    assert msgspec.json.decode(msgspec.json.encode(plan(made)), type=Plan) == plan(made)
