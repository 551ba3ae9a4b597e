"""A child process is ended while it still writes, or while somebody else holds its output: no error, no hang."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from experiments.deploy.process import ChildProcess


@pytest.fixture
def uncaught(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The errors that ended a thread."""
    found: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: found.append(repr(error.exc_value)))
    return found


def test_a_process_may_be_stopped_while_it_writes(tmp_path: Path, uncaught: list[str]) -> None:
    for _ in range(20):
        writing = ChildProcess("writing", ["/bin/sh", "-c", "exec yes"], tmp_path, environment={})
        writing.expect("y", 10.0)
        writing.stop(grace_s=0.0)
    assert not uncaught


def test_a_process_that_left_and_holds_the_output_is_not_waited_for(tmp_path: Path, uncaught: list[str]) -> None:
    leaves = r'setsid sh -c "echo gone \$\$; exec sleep 30" & exit 0'
    left = ChildProcess("left", ["/bin/sh", "-c", leaves], tmp_path, environment={})
    pid = int(left.expect("gone", 10.0))
    try:
        begun = time.monotonic()
        left.stop(grace_s=0.1)
        assert time.monotonic() - begun < 5.0
        assert not uncaught
    finally:
        os.kill(pid, signal.SIGKILL)
