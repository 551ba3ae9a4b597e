"""An experiment as decoded: its name and seed, its cells and each cell's settings.

Made by `config.load`, read by `plan.plan`; its JSON, held in a run's manifest, decodes to the same experiment.
"""

from typing import Any

import msgspec

from experiments.analysis.hypotheses import Hypothesis
from experiments.design.header import Replication
from experiments.design.trial_config import TrialConfig


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One combination of the factors' levels, by the factors' names."""

    index: int
    levels: dict[str, Any]

    def label(self) -> str:
        """`swarm.batch_size = 100, system.engine = re`; `the only cell` where nothing is varied."""
        return ", ".join(f"{name} = {level}" for name, level in self.levels.items()) or "the only cell"


class Experiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is run: `configs[i]` are the settings of `cells[i]`. `steps`: each cell is one change from the one before."""

    name: str
    question: str
    seed: int
    replication: Replication
    cells: tuple[Cell, ...]
    configs: tuple[TrialConfig, ...]
    source: str = ""
    overrides: tuple[str, ...] = ()
    steps: bool = False
    hypotheses: tuple[Hypothesis, ...] = ()
