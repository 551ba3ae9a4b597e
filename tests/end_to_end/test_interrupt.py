"""Ctrl-C, SIGTERM and kill -9 at any moment: no process stays, and no half result stands under a result's name."""

import os
import signal
import time
from pathlib import Path

import pytest

from .conftest import Shell

INTERRUPTED = 130


def sealed(folder: Path) -> list[Path]:
    return [path for path in (folder / "results").glob("tiny/*") if not path.name.endswith(".partial")]


@pytest.mark.parametrize("after_s", [0.4, 1.2, 2.5, 4.0, 5.5, 7.0])
def test_an_interrupt_at_any_moment_leaves_nothing(shell: Shell, tiny: Path, after_s: float) -> None:
    process = shell.start("run", "tiny.toml")
    time.sleep(after_s)  # the moment is the point of this test
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole foreground group
    out, err = process.communicate(timeout=60)
    if process.returncode == 0:
        assert after_s > 5, "an interrupt in the middle of a trial was ignored"
        assert len(sealed(shell.folder)) == 1
        return
    assert process.returncode == INTERRUPTED, (out, err)
    assert "Traceback" not in err
    assert sealed(shell.folder) == []
    assert shell.wait_until_nothing_runs() == []


def test_sigterm_interrupts_like_ctrl_c(shell: Shell, tiny: Path) -> None:
    process = shell.start("run", "tiny.toml")
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*/logs/0000/broker.log")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, err


def test_what_is_done_is_kept_and_resume_runs_what_is_missing(shell: Shell, tiny: Path) -> None:
    words = ("run", "tiny.toml", "--set", "experiment.replicates=2")
    process = shell.start(*words)
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*.partial/trials/0000.json")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "--resume" in err
    (partial,) = shell.folder.glob("results/tiny/*.partial")
    kept = (partial / "trials" / "0000.json").read_bytes()
    done = shell.run(*words, "--resume")
    assert done.returncode == 0, done.stderr
    (run,) = sealed(shell.folder)
    assert (run / "trials" / "0000.json").read_bytes() == kept
    assert (run / "trials" / "0001.json").exists()
    assert list(shell.folder.glob("results/tiny/*.partial")) == []


def test_a_runner_that_is_killed_takes_everything_with_it(shell: Shell, tiny: Path) -> None:
    process = shell.start("run", "tiny.toml")
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*/logs/0000/swarm-0.progress")) and time.monotonic() < until:
        time.sleep(0.05)
    # The runner, broker, gateway, sweeper, recorder, swarm, and a worker with its children.
    while len(shell.running()) < 8 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(shell.running()) >= 8
    assert not any("redis://" in line for line in shell.running()), "a password on a command line is everybody's"
    process.kill()
    process.communicate(timeout=10)
    assert shell.wait_until_nothing_runs(20) == []
    assert sealed(shell.folder) == []
