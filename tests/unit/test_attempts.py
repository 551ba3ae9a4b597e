"""Another attempt: what the machine's moment spoiled is run again and told, and a broken account is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from experiments.analysis.summary import Summary
from experiments.cli.screen import QuietScreen
from experiments.cli.verdict import verdict_line
from experiments.design.config import decode
from experiments.metrics.validity.limits import Limits
from experiments.running import run as runner
from experiments.store.run import RunFolder
from tests.made_trial import Made, trial

CONFIG = """
[experiment]
name = "again"
replicates = 1
attempts = {attempts}
[swarm]
agents = 3
[swarm.arrivals]
kind = "poisson"
rate_per_s = 100.0
"""

SOUND = trial().with_record(config={"validity": msgspec.to_builtins(Limits())})
LATE = SOUND.with_record(
    swarm={"bad_acks": 0, "paced": 2000, "late_p50_ns": 1, "late_p99_ns": 50_000_000, "late_max_ns": 60_000_000}
)
WRONG = SOUND.with_record(planned=SOUND.record.planned + 10)


def play(
    monkeypatch: pytest.MonkeyPatch, out: Path, attempts: int, *trials: Made
) -> tuple[RunFolder, Summary, Iterator[Made]]:
    """A run whose only trial gives these, attempt by attempt; also what is left of them."""
    left = iter(trials)

    class Played:
        def __init__(self, *_: Any) -> None: ...

        def run(self) -> Made:
            return next(left)

    monkeypatch.setattr(runner, "TrialRun", Played)
    monkeypatch.setattr(runner, "check", lambda *_: None)
    experiment = decode(CONFIG.format(attempts=attempts), source="test", folder=out)
    folder, found = runner.run(experiment, out, command="test", screen=QuietScreen(), formats=())
    return folder, found, left


def test_a_late_trial_is_run_again_and_the_first_attempt_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, found, _ = play(monkeypatch, tmp_path, 2, LATE, SOUND)
    assert found.verdict == "valid"
    assert verdict_line(found).endswith("1 of 1 trials repeated")
    (told,) = found.trials[0].repeated
    assert told[0].startswith("send lag: ")
    (record,) = RunFolder.open(folder.path).records()
    assert record.repeated == [told]
    assert "trial 0, attempt 1: send lag: " in (folder.path / "report.html").read_text()


def test_the_last_attempt_is_the_trial_and_may_be_invalid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, found, left = play(monkeypatch, tmp_path, 3, LATE, LATE, LATE, SOUND)
    assert found.verdict == "invalid"
    assert len(found.trials[0].repeated) == 2
    assert len(list(left)) == 1


def test_without_attempts_nothing_is_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, found, left = play(monkeypatch, tmp_path, 1, LATE, SOUND)
    assert (found.verdict, found.trials[0].repeated, len(list(left))) == ("invalid", [], 1)


def test_a_broken_account_is_never_given_another_attempt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    both = LATE.with_record(planned=LATE.record.planned + 10)
    for spoiled in (WRONG, both):
        _, found, left = play(monkeypatch, tmp_path / str(spoiled.record.swarm.get("paced")), 3, spoiled, SOUND)
        assert (found.verdict, found.trials[0].repeated, len(list(left))) == ("invalid", [], 1)
