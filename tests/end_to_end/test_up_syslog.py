"""`caudal up --syslog` fed by other people's clients: every line is analysed, and found as `caudal scan` finds it."""

import json
import logging
import logging.handlers
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from .conftest import Shell
from .test_up import Up

needs_loggen = pytest.mark.skipif(
    shutil.which("loggen") is None,
    reason="loggen isn't installed: apt-get install --no-install-recommends syslog-ng-core",
)
needs_logger = pytest.mark.skipif(shutil.which("logger") is None, reason="logger (util-linux) isn't installed")

#: Every one begins with a digit or looks like a counted frame up to the last character.
HOSTILE = [
    b'192.0.2.1 - - [x] "GET /?q=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1" 200 1 "-" "curl/8"',
    b"7 sqlmap/1.7 is no count",
    b"\xff\xfe not utf-8 sqlmap/1.7 \x80",
    b"Jan  1 00:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2",
    b"404",
]


def found(path: Path) -> Counter[tuple[str, str]]:
    return Counter((one["signature"], one["line"]) for one in map(json.loads, path.read_text().splitlines()))


def up(shell: Shell) -> Up:
    return Up(shell, "--syslog", "127.0.0.1:0")


@needs_loggen
@pytest.mark.parametrize("connections", [1, 4])
def test_raw_lines_that_loggen_sends_are_found_as_a_scan_finds_them(shell: Shell, connections: int) -> None:
    file = shell.folder / "some.log"
    file.write_bytes(b"".join(line + b"\n" for line in HOSTILE * 4000))
    system = up(shell)
    loggen = ["loggen", "-i", "-S", "-d", "-R", str(file), "-r", "1000000", f"--active-connections={connections}", "-Q"]
    subprocess.run([*loggen, *system.syslog], check=True, capture_output=True, timeout=60)
    told = system.stop()
    assert shell.run("scan", str(file), "--detections", "expected.jsonl").returncode == 0
    expected = found(shell.folder / "expected.jsonl")
    assert told["records_analysed"] == 20_000 * connections
    assert told["batches_accepted"] == told["batches_analysed"]
    assert found(shell.folder / "found.jsonl") == Counter({one: n * connections for one, n in expected.items()})
    assert told["detections"] > 10_000


@needs_loggen
@pytest.mark.parametrize("framing", [(), ("-P",)], ids=["LF", "counted"])
def test_every_synthetic_line_of_loggen_is_analysed(shell: Shell, framing: tuple[str, ...]) -> None:
    system = up(shell)
    loggen = ["loggen", "-i", "-S", *framing, "-s", "237", "-n", "50000", "-r", "1000000", "-Q"]
    subprocess.run([*loggen, *system.syslog], check=True, capture_output=True, timeout=60)
    assert system.stop()["records_analysed"] == 50_000


@needs_logger
@pytest.mark.parametrize("framing", [(), ("--octet-count",)], ids=["LF", "counted"])
@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424"])
def test_what_logger_sends_arrives_line_by_line(shell: Shell, framing: tuple[str, ...], form: str) -> None:
    system = up(shell)
    host, port = system.syslog
    text = "".join(f"sqlmap/1.{number}\n" for number in range(100))
    logger = ["logger", "-T", "-n", host, "-P", port, form, *framing]
    subprocess.run(logger, input=text.encode(), check=True, capture_output=True, timeout=60)
    assert system.stop()["records_analysed"] == 100
    ends = Counter(line.split()[-1] for _, line in found(shell.folder / "found.jsonl").elements())
    assert ends == Counter({f"sqlmap/1.{number}": 1 for number in range(100)})


def test_pythons_logging_feeds_the_system_beside_an_agent(shell: Shell) -> None:
    system = up(shell)
    host, port = system.syslog
    handler = logging.handlers.SysLogHandler((host, int(port)), socktype=1)  # SOCK_STREAM
    logger = logging.Logger("app")
    logger.addHandler(handler)
    for number in range(50):
        logger.error("sqlmap/1.%d", number)
    handler.close()
    (shell.folder / "a.log").write_bytes(b"sqlmap/1.9\n")
    assert shell.run("agent", "--file", "a.log", "--to", system.address, "--number", "7").returncode == 0
    assert system.stop()["records_analysed"] == 51
    sources = [json.loads(line)["source"] for line in (shell.folder / "found.jsonl").read_text().splitlines()]
    assert Counter(sources) == Counter({"syslog": 50, "agent 7": 1})


def test_a_syslog_address_that_is_taken_is_one_line_and_code_2(shell: Shell) -> None:
    system = up(shell)
    done = shell.run("up", "--listen", "127.0.0.1:0", "--syslog", ":".join(system.syslog))
    assert done.returncode == 2, done.stderr
    assert "cannot listen" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    system.stop()
