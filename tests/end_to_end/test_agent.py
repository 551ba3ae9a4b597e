"""`caudal agent` as people run it: killed and started again across a rotation, and interrupted without a gateway."""

import json
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from .conftest import Shell
from .test_up import Up

DEADLINE_S = 60.0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def record(position: Path) -> int:
    """How far the agent has come."""
    try:
        found: int = json.loads(position.read_bytes())["record"]
        return found
    except FileNotFoundError:
        return -1


def is_past(position: Path, line: int) -> bool:
    return record(position) > line


def test_an_agent_killed_again_and_again_while_its_log_is_rotated_has_every_line_analysed_once(shell: Shell) -> None:
    up = Up(shell)
    log, position = shell.folder / "app.log", shell.folder / "app.pos"
    written = 0

    def write(count: int) -> None:
        nonlocal written
        with log.open("ab") as file:
            file.write(b"".join(b"sqlmap/1.%d\n" % number for number in range(written, written + count)))
        written += count

    for turn in range(3):
        write(20_000)
        agent = shell.start(
            *("agent", "--file", str(log), "--follow", "--position", str(position), "--to", up.address),
            *("--batch-size", "50", "--rotate-wait", "0.1"),
        )
        # Some batches were taken, some are under way, most are still to be read.
        until(partial(is_past, position, turn * 20_000))
        agent.kill()
        agent.communicate()
        log.rename(log.with_name(f"app.log.{3 - turn}"))
    write(1)
    agent = shell.start("agent", "--file", str(log), "--follow", "--position", str(position), "--to", up.address)
    until(lambda: record(position) == written)
    agent.send_signal(signal.SIGTERM)
    out, err = agent.communicate(timeout=30)
    assert agent.returncode == 0, err
    assert json.loads(out)["undelivered"] == 0
    told = up.stop()
    assert told["records_analysed"] == written
    found = [json.loads(line) for line in (shell.folder / "found.jsonl").read_text().splitlines()]
    assert sorted(one["record"] for one in found) == list(range(written))
    assert all(one["line"] == f"sqlmap/1.{one['record']}" for one in found)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_without_a_gateway_ends_at_once_and_says_what_is_left(shell: Shell, signum: int) -> None:
    log = shell.folder / "app.log"
    log.write_bytes(b"line\n" * 1234)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and doesn't listen
        agent = shell.start(
            *("agent", "--file", str(log), "--position", "app.pos", "--to", f"127.0.0.1:{nobody.getsockname()[1]}")
        )
        assert agent.stderr is not None
        assert "cannot connect" in agent.stderr.readline()
        agent.send_signal(signum)
        began_s = time.monotonic()
        out, err = agent.communicate(timeout=30)
    assert time.monotonic() - began_s < 4.0  # less than it would wait for a gateway that is there
    assert agent.returncode == 130
    assert json.loads(out)["undelivered"] == 1234
    # Between them it may say that the file wasn't read to its end: the interrupt can come before that end is seen.
    last = err.splitlines()[-1]
    assert last.startswith("caudal: interrupted: 1,234 lines that were read are not delivered; ")
    assert last.endswith("start it again to go on (app.pos)")
    assert record(shell.folder / "app.pos") == 0


def test_standard_input_has_no_position(shell: Shell) -> None:
    done = shell.run("agent", "--follow", "--to", "127.0.0.1:1")
    assert done.returncode == 2
    assert "need --file" in done.stderr
