"""Plays one verdict of known truth, or goes on with one that an earlier sitting didn't finish.

The same builds, runner and loop as `caudal gate`: what is validated is what runs in CI. Both sides are built separately from
one commit; head's copy is then patched by the plant.
"""

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from experiments.gate.build import builds
from experiments.gate.play import Played, play
from experiments.gate.runner import LiveRunner
from experiments.gate.scenario import Scenario, scenario
from experiments.machine import inventory
from experiments.validation.plant import Plant
from experiments.validation.verdict import Sitting, Verdict, read, write

_SEED_BELOW: Final = 1_000_000


def begun(folder: Path, plant: Plant, config: Scenario, commit: str) -> Verdict:
    """The verdict to play: the unfinished one of this plant and scenario, or the next number."""
    of_plant = [one for one in read(folder) if one.plant == plant.name]
    for one in of_plant:
        if one.scenario == config.name and one.judged().verdict is None:
            return one
    return Verdict(
        plant=plant.name,
        number=max((one.number for one in of_plant), default=0) + 1,
        scenario=config.name,
        gated=config.gated,
        commit=commit,
        harness=inventory.commit()[0],
        seed=secrets.randbelow(_SEED_BELOW),
    )


def sit(
    repository: Path, folder: Path, plant: Plant, config: str, commit: str, budget_s: float, say: Callable[[str], None]
) -> Verdict:
    """Plays pairs until there is a verdict, the budget is spent or it is interrupted; each pair is kept.

    Raises: SideError, ConfigError.
    """
    wanted = scenario(config)
    one = begun(folder, plant, wanted, commit)
    sitting = Sitting(
        begun_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=inventory.describe(),
        load_average=os.getloadavg()[0],
        first_pair=len(one.pairs),
    )
    before, sittings = len(one.pairs), [*one.sittings, sitting]

    def with_pairs(played: Played) -> Verdict:
        return msgspec.structs.replace(one, sittings=sittings, pairs=played.pairs[wanted.name])

    def watch(played: Played, following: Scenario | None) -> None:
        if following is not None:
            say(f"{plant.name} {one.number}: pair {len(played.pairs[wanted.name])}")
        elif len(played.pairs[wanted.name]) > before:
            write(folder, with_pairs(played))

    with (
        TemporaryDirectory(prefix="caudal-validation-") as logs,
        builds(repository, {"base": one.commit, "head": one.commit}) as sides,
    ):
        plant.apply(sides["head"])
        played = play(
            [wanted], LiveRunner(sides, Path(logs), one.seed), seed=one.seed, budget_s=budget_s, accepted={},
            resumed={wanted.name: one.pairs}, watch=watch,
        )  # fmt: skip
    return with_pairs(played) if len(played.pairs[wanted.name]) > before else one
