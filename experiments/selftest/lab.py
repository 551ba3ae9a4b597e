"""Plays the scenes and runs the checks: what the command shows as it goes, and the self-test's one orchestrator.

Each scene is one trial of the real system in a folder of its own. A scene that gives no measurement, because a part didn't
start or died, is could-not-measure and no check's failure.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from experiments.running.trial import Moment, TrialRun
from experiments.selftest.check import Check
from experiments.selftest.result import Result
from experiments.selftest.scenes import FULL_ONLY, SCENES, Scene
from experiments.selftest.seen import Seen


class LabError(RuntimeError):
    """A scene gave no measurement."""


class LabScreen(Protocol):
    """Where the self-test shows its progress."""

    def scene(self, name: str, number: int, count: int, left_s: float) -> None:
        """A scene begins; with it about `left_s` seconds are left."""

    def moment(self, moment: Moment) -> None:
        """A scene is being played."""

    def result(self, found: Result) -> None:
        """A check has compared."""


def scenes_of(checks: Sequence[Check], *, quick: bool) -> list[Scene]:
    """The scenes that the checks need, each once."""
    wanted = {name for check in checks for name in check.scenes}
    return [scene for name, scene in SCENES.items() if name in wanted and not (quick and name in FULL_ONLY)]


def run(checks: Sequence[Check], folder: Path, screen: LabScreen, *, quick: bool, seed: int) -> list[Result]:
    """Plays what the checks need, and runs each as soon as its scenes are there. Raises: LabError, BrokerError."""
    scenes = scenes_of(checks, quick=quick)
    trials = [scene.trial(number, quick=quick, seed=seed) for number, scene in enumerate(scenes)]
    seen: dict[str, Seen] = {}
    waiting = list(checks)
    found: list[Result] = []

    def compare() -> None:
        for check in list(waiting):
            needed = [name for name in check.scenes if name in {scene.name for scene in scenes}]
            if set(needed) <= set(seen):
                waiting.remove(check)
                for result in check.compare({name: seen[name] for name in needed}):
                    found.append(result)
                    screen.result(result)

    compare()
    for number, (scene, trial) in enumerate(zip(scenes, trials, strict=True)):
        left_s = sum(one.expected_s for one in trials[number:])
        screen.scene(scene.name, number + 1, len(scenes), left_s)
        logs = folder / f"{number:02d}"
        logs.mkdir(parents=True)
        record, tables = TrialRun(trial, f"selftest-{folder.name}", logs, screen.moment).run()
        if tables is None:
            raise LabError(f"scene {scene.name!r} gave no measurement: {record.failure}; its logs are in {logs}")
        seen[scene.name] = Seen(record, tables)
        compare()
    return found


def verdict(found: Sequence[Result]) -> str:
    """`fail` if any did, else `blunt` if any is, else `pass`; `blunt` for no result at all."""
    verdicts = {one.verdict for one in found}
    return next((one for one in ("fail", "blunt", "pass") if one in verdicts), "blunt")
