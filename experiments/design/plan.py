"""The plan: which trials an experiment runs, in which order, with which seeds.

Experiment -> `plan` -> Trials (cell x replicate), randomised within blocks. Pure: no clock, no I/O; the same
experiment gives the same plan. A block is one replicate of every cell: what drifts on a machine from block to block
is common to the cells, and what drifts within one falls on them at random.
Source: R. A. Fisher, "The Design of Experiments" (1935); Box, Hunter, Hunter, "Statistics for Experimenters" (2005),
ch. 3-4.
"""

import msgspec

from experiments.design.experiment import Cell, Experiment
from experiments.design.seeds import order_seed, replicate_seed, trial_epoch
from experiments.design.trial_config import TrialConfig
from loadgen.model.draws import Draws

#: What a trial takes beside its phases, for the expected time only: the broker, gateway and Celery workers until they
#: are ready, and their end (measured on a 2-core AMD EPYC guest, 2026-11; nothing is decided by
#: them).
START_S = 3.5
STOP_S = 0.5

#: What the queue takes to empty after the load's end. With load below capacity it is next to nothing; an overloaded
#: trial takes up to its drain_timeout_s, which can't be known before.
DRAIN_S = 1.0


class Trial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of one cell.

    Args:
        index: its place in the order of running, from 0.
        block: the block it is in.
        cell: what is varied.
        replicate: which repetition of the cell it is; the block's number.
        seed: the load's seed, equal for all cells of a replicate.
        config: what it is run with.
    """

    index: int
    block: int
    cell: Cell
    replicate: int
    seed: int
    config: TrialConfig

    def epoch(self, run_id: str) -> int:
        """Gives the number (u64) that marks this trial's batches; no other trial of any run has it."""
        return trial_epoch(self.seed, self.index, run_id)

    @property
    def expected_s(self) -> float:
        """How long it takes, about, in seconds."""
        return START_S + self.config.trial.load_s + DRAIN_S + STOP_S


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All trials, in the order of running; `least_blocks` of the blocks are run in any case."""

    cells: tuple[Cell, ...]
    trials: tuple[Trial, ...]
    least_blocks: int

    @property
    def expected_s(self) -> float:
        """How long all trials take, about, in seconds."""
        return sum(trial.expected_s for trial in self.trials)


def plan(experiment: Experiment) -> Plan:
    """Gives the trials of an experiment, `max_replicates` blocks of them where their number is adaptive."""
    trials: list[Trial] = []
    order = order_seed(experiment.seed)
    for block in range(experiment.replication.most):
        seed = replicate_seed(experiment.seed, block)
        # A stream of its own for each block: a run with more replicates begins with the same blocks.
        for cell in Draws(order, "block", block).order(len(experiment.cells)).tolist():
            trials.append(
                Trial(
                    index=len(trials),
                    block=block,
                    cell=experiment.cells[cell],
                    replicate=block,
                    seed=seed,
                    config=experiment.configs[cell],
                )
            )
    return Plan(cells=experiment.cells, trials=tuple(trials), least_blocks=experiment.replication.least)
