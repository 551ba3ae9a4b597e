"""Ctrl-C, SIGTERM and kill -9 at any moment: no process stays, and no half result stands under a result's name."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from .conftest import CAUDAL, Shell

INTERRUPTED = 130


def sealed(folder: Path) -> list[Path]:
    return [path for path in (folder / "results").glob("tiny/*") if not path.name.endswith(".partial")]


@pytest.mark.parametrize("after_s", [0.4, 1.2, 2.5, 4.0, 5.5, 7.0])
def test_an_interrupt_at_any_moment_leaves_nothing(shell: Shell, tiny: Path, after_s: float) -> None:
    begun = time.monotonic()
    process = shell.start("run", "tiny.toml")
    until_interrupts_are_caught(process.pid)
    time.sleep(max(0.0, begun + after_s - time.monotonic()))  # the moment is the point of this test
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


def until_interrupts_are_caught(pid: int) -> None:
    """The interpreter's own start, half a second on a busy machine, is nobody's to guard."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        (caught,) = [
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:")
        ]
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.01)


def test_sigterm_interrupts_like_ctrl_c(shell: Shell, tiny: Path) -> None:
    process = shell.start("run", "tiny.toml")
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*/logs/0000/broker.log")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, err
    assert not list(shell.folder.rglob("broker.conf")), "it holds the broker's password"


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


def until_a_trial_is_sealed(shell: Shell) -> None:
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*.partial/trials/0000.json")) and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.long
def test_a_hang_up_keeps_what_is_done_and_leaves_nothing_running(shell: Shell, tiny: Path) -> None:
    process = shell.start("run", "tiny.toml", "--set", "experiment.replicates=2")
    until_a_trial_is_sealed(shell)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)  # a shell hands on what the kernel says too
    _, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, err
    assert "what is done is kept in" in err
    assert "Traceback" not in err
    assert shell.wait_until_nothing_runs() == []
    (partial,) = shell.folder.glob("results/tiny/*.partial")
    assert (partial / "trials" / "0000.json").exists()


def test_a_terminal_that_goes_away_is_a_hang_up(shell: Shell, tiny: Path) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(shell.folder)
        os.execve(CAUDAL, [CAUDAL, "run", "tiny.toml", "--set", "experiment.replicates=2"], shell.environment)
    reading = threading.Thread(target=read_until_the_end, args=(terminal,), daemon=True)
    reading.start()
    until_a_trial_is_sealed(shell)
    os.close(os.dup2(os.open(os.devnull, os.O_RDONLY), terminal))  # the last that held the terminal's other end
    reading.join(10)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == INTERRUPTED
    assert shell.wait_until_nothing_runs() == []
    (partial,) = shell.folder.glob("results/tiny/*.partial")
    assert (partial / "trials" / "0000.json").exists()


def read_until_the_end(terminal: int) -> None:
    """A terminal that nobody reads would stop who writes to it."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 1 << 16):
            pass


@pytest.mark.long
def test_under_nohup_a_hang_up_is_nothing(shell: Shell, tiny: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = shell.start("run", "tiny.toml")
    finally:
        signal.signal(signal.SIGHUP, before)
    until = time.monotonic() + 60
    while not list(shell.folder.glob("results/tiny/*/logs/0000/broker.log")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(sealed(shell.folder)) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_before_the_command_is_there_has_a_word_too(shell: Shell, number: signal.Signals) -> None:
    """While the entry point imports the command line: a module of that name waits for the signal."""
    (shell.folder / "click.py").write_text(
        "print('loading', flush=True)\nimport time\nfor _ in range(6000): time.sleep(0.01)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "from experiments.entry import main; main()"],
        cwd=shell.folder, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (INTERRUPTED, "caudal: interrupted\n")


def test_an_interrupt_in_the_middle_of_a_class_is_no_other_error(shell: Shell) -> None:
    """While a command is imported: Python 3.11 makes a RuntimeError of what `__set_name__` raises."""
    (shell.folder / "rich.py").write_text(
        "import os, signal\n"
        "class Attribute:\n"
        "    def __set_name__(self, *_):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "class Owner:\n"
        "    name = Attribute()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "from experiments.entry import main; main()", "doctor"],
        cwd=shell.folder, env=shell.environment, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (INTERRUPTED, "caudal: interrupted\n")
