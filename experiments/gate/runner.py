"""Plays one slot for real: the side's system, this Caudal's swarm, recorder and probes, and what came of it.

Ports, folders, CPUs and seeds follow from the pair and the place in it. The side decides which files run, and nothing else.
"""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from experiments.deploy.broker import BrokerError
from experiments.deploy.placement import Placement, PlacementError
from experiments.deploy.target import Target
from experiments.design.config import load
from experiments.design.plan import Trial
from experiments.design.seeds import replicate_seed
from experiments.design.trial_config import TrialConfig
from experiments.gate.build import Build
from experiments.gate.figures import slot_of
from experiments.gate.scenario import Scenario
from experiments.gate.side_deployment import SideDeployment
from experiments.gate.side_settings import SideSettings, resolve
from experiments.gate.slot import Position, Side, Slot
from experiments.running.trial import TrialRun
from system.broker.presence import fingerprint
from system.signatures.loaders import load as load_signatures

#: What the full load of a capacity slot is: the scenario's own swarm, closed on results.
_FULL_LOAD: Final = ('swarm.arrivals={kind="saturate"}',)


class SlotRunner(Protocol):
    """What plays slots."""

    def run(self, scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        """One slot. Raises: SideError if the side can't be run or spoken to, whatever the pair."""
        ...

    def calibrate(self, scenario: Scenario) -> float | None:
        """Sets the scenario's rate from base's capacity where it goes by that; gives records/s, all agents together.

        Raises: SideError.
        """
        ...


class LiveRunner:
    """Slots on this machine. `folder` keeps the processes' logs, by scenario, pair and place."""

    def __init__(self, builds: Mapping[Side, Build], folder: Path, seed: int) -> None:
        self._builds = builds
        self._folder = folder
        self._seed = seed
        self._run_id = secrets.token_hex(8)
        self._overrides: dict[str, tuple[str, ...]] = {}
        self._settings: dict[tuple[str, Side], SideSettings] = {}

    def calibrate(self, scenario: Scenario) -> float | None:
        """See `SlotRunner`."""
        if scenario.of_capacity is None:
            return None
        full = msgspec.structs.replace(scenario, name=f"{scenario.name}-capacity")
        self._overrides[full.name] = _FULL_LOAD
        found = self.run(full, "base", 1, 0)
        capacity = found.figures.get("throughput")
        if not capacity:
            raise self._builds["base"].error(
                "run", f"it carries nothing at full load: {found.failure or 'no result rows'}"
            )
        agents = load(scenario.config).configs[0].swarm.agents
        rate = capacity * scenario.of_capacity / agents
        self._overrides[scenario.name] = (f"swarm.arrivals.rate_per_s={rate:.6g}",)
        return capacity * scenario.of_capacity

    def run(self, scenario: Scenario, side: Side, position: Position, pair: int) -> Slot:
        """See `SlotRunner`."""
        build = self._builds[side]
        if (scenario.name, side) not in self._settings:
            self._settings[scenario.name, side] = resolve(build, scenario.config)
        settings = self._settings[scenario.name, side]
        experiment = load(scenario.config, self._overrides.get(scenario.name, ()))
        config = msgspec.structs.replace(experiment.configs[0], system=settings.seen)
        folder = self._folder / scenario.name / f"{pair:03d}-{position}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        trial = Trial(
            index=2 * pair + position - 1,
            block=pair,
            cell=experiment.cells[0],
            replicate=pair,
            seed=replicate_seed(self._seed, pair),
            config=config,
        )
        systems: list[SideDeployment] = []

        def start(config: TrialConfig, placement: Placement, logs: Path) -> Target:
            systems.append(SideDeployment(build, settings, placement, logs, config.deploy.redis_server))
            return systems[0]

        try:
            record, tables = TrialRun(trial, self._run_id, folder, lambda _: None, start).run()
        except (BrokerError, PlacementError) as error:
            raise build.error("run", str(error)) from None
        if systems[0].unspoken is not None:
            raise build.error("spoken to", systems[0].unspoken)
        if pair == 0 and tables is None:  # the first pair: what doesn't work now is no bad luck
            raise build.error("run", record.failure or "nothing was measured")
        same = systems[0].rules == fingerprint(load_signatures(config.system.rules))
        return slot_of(record, tables, side, position, same_rules=same)
