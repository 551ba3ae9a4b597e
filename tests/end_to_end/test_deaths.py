"""A part that dies unasked in the middle of a trial: one of the system is an outcome, one of the instrument no measurement.

Either way nothing hangs or stays.
"""

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadgen.progress import RECORDER, Progress

from .conftest import Shell

COULD_NOT_MEASURE = 3


def killed(shell: Shell, word: str) -> tuple[dict[str, Any], str]:
    """The summary of a run in which a part was killed once batches were analysed, and what was printed."""
    process = shell.start("run", "tiny.toml", "--set", "trial.measure_s=5.0", "--set", "trial.drain_timeout_s=20.0")
    until = time.monotonic() + 60
    logs: list[Path] = []
    while time.monotonic() < until and not (
        (logs := list(shell.folder.glob("results/tiny/*/logs/0000")))
        and (progress := logs[0] / "recorder.progress").exists()
        and progress.stat().st_size
        and Progress.read(progress, RECORDER)["batches"]
    ):
        time.sleep(0.05)
    victims = [
        child for child in psutil.Process(process.pid).children(recursive=True) if word in " ".join(child.cmdline())
    ]
    assert victims
    for victim in victims:
        victim.kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == COULD_NOT_MEASURE, err
    assert "Traceback" not in err
    return json.loads((shell.folder / out.strip().splitlines()[-1] / "summary.json").read_text()), out


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("system.gateway", "gateway"),
        ("valkey", "broker"),
        ("system.worker", "workers0"),
        ("system.sweeper", "sweeper"),
    ],
)
def test_a_part_of_the_system_that_dies_is_an_outcome_with_its_account(
    shell: Shell, tiny: Path, word: str, name: str
) -> None:
    summary, out = killed(shell, word)
    (trial,) = summary["trials"]
    assert (trial["outcome"], trial["valid"], trial["reasons"]) == ("failed", True, [])
    assert f"{name} was killed by SIGKILL" in trial["failure"]
    ledger = trial["ledger"]
    assert ledger["planned"] == ledger["overflowed"] + ledger["unsent"] + ledger["sent"] > 0
    assert ledger["analysed"] > 0
    assert (ledger["unexpected"], ledger["duplicate_results"]) == (0, 0)
    if name == "sweeper":
        assert ledger["analysed"] == ledger["planned"], "nothing needed to be swept"
    else:
        assert ledger["analysed"] < ledger["planned"]
    (cell,) = summary["cells"]
    assert (cell["failed_trials"], cell["invalid_trials"], cell["carried_records_per_s"]["n"]) == (1, 0, 0)
    assert "the system died in 1 of 1 trials" in out


@pytest.mark.parametrize(("word", "name"), [("loadgen.recorder", "recorder"), ("loadgen.swarm", "swarm0")])
def test_a_part_of_the_instrument_that_dies_leaves_no_measurement(
    shell: Shell, tiny: Path, word: str, name: str
) -> None:
    summary, out = killed(shell, word)
    (trial,) = summary["trials"]
    assert (summary["verdict"], trial["outcome"], trial["valid"]) == ("invalid", "failed", False)
    assert f"{name} was killed by SIGKILL" in trial["failure"]
    assert (trial["ledger"], trial["carried_records_per_s"]) == (None, None)
    assert "nothing was measured" in out
