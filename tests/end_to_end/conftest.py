"""Runs the `caudal` command as a person would, and finds what it leaves running."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

CAUDAL = str(Path(sys.executable).with_name("caudal"))

# A job that a script put in the background ignores SIGINT, one under nohup SIGHUP, and hands that on to all it starts: the
# tests would interrupt nobody, as they did in CI. Whoever has a handler of its own hands on the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


class Shell:
    """A folder to work in, and a mark in the environment that every process started from here inherits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = uuid.uuid4().hex
        self._started: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "CAUDAL_TEST_MARK": self._mark,
            "COLUMNS": "120",
            "CAUDAL_FIGURES": "svg",  # drawing is most of what a short run takes; tests of figures have them all
        }

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """`caudal WORDS...` in a session of its own, as in another terminal."""
        process = subprocess.Popen(
            [CAUDAL, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: str, timeout_s: float = 110) -> "subprocess.CompletedProcess[str]":
        """The same, until it ends."""
        process = self.start(*words)
        out, err = process.communicate(timeout=timeout_s)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def end(self) -> None:
        """Ends what a test that failed left behind, so that the next one isn't blamed for it."""
        for process in self._started:
            process.kill()
            process.communicate()

    def running(self) -> list[str]:
        """The command lines of the processes that were started from here and still run."""
        found = []
        for process in psutil.process_iter():
            try:
                alive = process.status() != psutil.STATUS_ZOMBIE
                ours = process.environ().get("CAUDAL_TEST_MARK") == self._mark
                # A server that writes its own title over its environment is known by its folder.
                if alive and (ours or Path(process.cwd()).is_relative_to(self.folder)):
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    def wait_until_nothing_runs(self, deadline_s: float = 10.0) -> list[str]:
        """What still runs after the deadline: nothing, if all is well."""
        until = time.monotonic() + deadline_s
        while (left := self.running()) and time.monotonic() < until:
            time.sleep(0.05)
        return left


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell whose processes must be gone at the test's end."""
    one = Shell(tmp_path)
    yield one
    one.end()
    assert one.wait_until_nothing_runs() == []


TINY = """
[experiment]
name = "tiny"
replicates = 1
[swarm]
agents = 4
batch_size = 50
[swarm.arrivals]
kind = "poisson"
rate_per_s = 200.0
[trial]
warmup_s = 0.5
measure_s = 1.5
[validity]
send_lag_p99_s = 10.0             # how busy the machine is isn't this test's business
trend_ratio = 1.0
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A config of one short trial."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path
