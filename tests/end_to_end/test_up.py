"""`caudal up` fed by `caudal agent` and by somebody else's client; what it finds equals `caudal scan` of the same lines."""

import contextlib
import gzip
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgpack
import psutil
import pytest
from fluent.sender import FluentSender

from experiments.deploy import broker as brokers
from system.broker import keys
from system.wire import row

from .conftest import Shell

#: Real log lines for those who have them: a folder of *.log files.
CORPUS = Path(os.environ.get("CAUDAL_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))


class Up:
    """A running `caudal up`."""

    def __init__(self, shell: Shell, *words: str, detections: bool = True) -> None:
        more = ("--detections", "found.jsonl") if detections else ()
        self._process = shell.start("up", "--listen", "127.0.0.1:0", *more, *words)
        assert self._process.stdout is not None
        first = self._process.stdout.readline().split()
        assert first[:1] == ["ready"], self._process.stderr.read() if self._process.stderr else ""
        self.address = first[1]
        #: Where it takes lines, if it was told to.
        self.syslog = ("", "")
        if "--syslog" in words:
            word, where = self._process.stdout.readline().split()
            assert word == "syslog"
            self.syslog = tuple(where.split(":"))

    def processes(self) -> dict[str, psutil.Process]:
        """Its gateway and its broker, by a word of their command lines."""
        found = {}
        for process in psutil.Process(self._process.pid).children(recursive=True):
            line = " ".join(process.cmdline())
            found |= {word: process for word in ("system.gateway", "valkey") if word in line}
        return found

    def stop(self) -> dict[str, int]:
        self._process.send_signal(signal.SIGINT)
        out, self.errors = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, self.errors
        told: dict[str, int] = json.loads(out.strip().splitlines()[-1])
        return told


def matches(path: Path, source: dict[str, str] | None = None) -> Counter[tuple[Any, ...]]:
    found = (json.loads(line) for line in path.read_text().splitlines())
    return Counter(
        (
            (source or {}).get(one["source"], one["source"]),
            one["record"],
            one["signature"],
            one["severity"],
            one["line"],
        )
        for one in found
    )


def ship_and_compare(shell: Shell, files: list[Path], engine: str) -> int:
    up = Up(shell, "--set", f"engine={engine}")
    records = 0
    for number, file in enumerate(files):
        done = shell.run("agent", "--file", str(file), "--to", up.address, "--number", str(number))
        assert done.returncode == 0, done.stderr
        records += json.loads(done.stdout)["records"]
    told = up.stop()
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    assert records == told["records_analysed"] == lines
    assert told["batches_accepted"] == told["batches_analysed"]
    assert shell.run("scan", *map(str, files), "--engine", "re", "--detections", "expected.jsonl").returncode == 0
    found, expected = shell.folder / "found.jsonl", shell.folder / "expected.jsonl"
    names = {str(file): f"agent {number}" for number, file in enumerate(files)}
    assert matches(found) == matches(expected, names)
    assert told["detections"] == sum(matches(found).values())
    return told["detections"]


@pytest.mark.parametrize("engine", ["hyperscan", "re"])
def test_what_the_system_finds_in_shipped_lines_is_what_a_scan_finds(shell: Shell, engine: str) -> None:
    hostile = [
        b'192.0.2.1 - - [x] "GET /?q=1%27%20UNION%20SELECT%20password%20FROM%20users-- HTTP/1.1" 200 1 "-" "curl/8"',
        b"\xff\xfe not utf-8 \x00 sqlmap/1.7 \x80",
        b"",
        b"Jan  1 00:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2",
    ]
    file = shell.folder / "some.log"
    file.write_bytes(b"".join(line + b"\n" for line in hostile * 300))
    assert ship_and_compare(shell, [file], engine) > 0


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no folder of real log lines: name one in CAUDAL_CORPUS")
def test_every_real_line_is_analysed_once_and_found_as_a_scan_finds_it(shell: Shell) -> None:
    assert ship_and_compare(shell, sorted(CORPUS.glob("*.log")), "hyperscan") > 1000


def test_an_unmodified_fluent_logger_feeds_the_system(shell: Shell) -> None:
    up = Up(shell)
    host, port = up.address.split(":")
    sender = FluentSender("theirs", host=host, port=int(port), nanosecond_precision=True)
    for number in range(50):
        assert sender.emit("web", {"message": f"sqlmap/1.{number}" if number % 5 == 0 else "an ordinary line"})
    sender.close()
    told = up.stop()
    assert told["records_analysed"] == 50
    lines = [json.loads(line) for line in (shell.folder / "found.jsonl").read_text().splitlines()]
    assert [one["record"] for one in lines] == [None] * told["detections"]
    assert {one["source"] for one in lines} <= {"theirs.web"}


def test_without_a_file_detections_are_not_collected_and_not_called_none_found(shell: Shell) -> None:
    up = Up(shell, detections=False)
    assert up.stop() == {"batches_accepted": 0, "batches_analysed": 0, "records_analysed": 0, "detections": None}


def test_batches_that_were_accepted_before_the_interrupt_are_analysed_after_it(shell: Shell) -> None:
    file = shell.folder / "some.log"
    file.write_bytes(b"an ordinary line of a log\n" * 200_000)
    up = Up(shell, "--set", "engine=re")
    agent = threading.Thread(
        target=shell.run, args=("agent", "--file", str(file), "--to", up.address, "--batch-size", "1000")
    )
    agent.start()
    agent.join()
    told = up.stop()
    assert told["batches_accepted"] == told["batches_analysed"] == 200
    assert told["records_analysed"] == 200_000


def test_what_was_accepted_and_cannot_be_scanned_is_told(shell: Shell) -> None:
    up = Up(shell)
    host, port = up.address.split(":")
    records = [[0, {"message": "an ordinary line"}], [0, {"line": "under a key that nobody knows"}], [0, {}]]
    too_much = gzip.compress(msgpack.packb([0, {"message": "x" * 1000}]) * 70_000)
    with socket.create_connection((host, int(port))) as connection:
        for packed, options in (
            (b"".join(map(msgpack.packb, records)), {}),
            (too_much, {"compressed": "gzip"}),
        ):
            connection.sendall(msgpack.packb(["web", packed, {"chunk": f"{len(packed):016}", **options}]))
            assert connection.recv(1000)
    told = up.stop()
    assert (told["batches_accepted"], told["batches_analysed"], told["records_analysed"]) == (2, 1, 3)
    assert "1 batches were given up: payload inflates beyond" in up.errors
    assert "2 records held no text to scan" in up.errors


def test_a_worker_that_joins_while_the_system_runs_takes_its_share(shell: Shell, tmp_path: Path) -> None:
    """Nobody else is touched or started again. A batch takes 50 ms: what two nodes share, one would need 7.5 s for."""
    words = ("engine=emulated", "emulated.service_s=0.05", "coalesce=1", "worker_concurrency=1")
    settings = tuple(word for one in words for word in ("--set", one))
    (shell.folder / "many.log").write_bytes(b"an ordinary line of a log\n" * 1500)
    server = brokers.start(tmp_path, named=None, url=None, cpus=())
    try:
        with contextlib.closing(server.client()) as redis:
            up = Up(shell, "--redis", server.url, *settings, detections=False)
            redis.set(keys.HARNESS, "this test")  # the rows stay, and say who analysed what
            assert shell.run("agent", "--file", "many.log", "--to", up.address, "--batch-size", "10").returncode == 0
            joined = shell.start("worker", "--redis", server.url, "--node", "7", "--concurrency", "1", *settings)
            until = time.monotonic() + 60
            while int(redis.hget(keys.COUNTERS, "batches_analysed") or 0) < 150 and time.monotonic() < until:
                time.sleep(0.1)
            headers, _ = row.split(b"".join(redis.lrange(keys.ROWS, 0, -1)))
            nodes = Counter(headers["node"][headers["kind"] == row.ANALYSED].tolist())
            assert set(nodes) == {0, 7}
            assert sum(nodes.values()) == 150
            assert min(nodes.values()) >= 20
            assert redis.hget(keys.COUNTERS, "repeat_executions") is None
            joined.send_signal(signal.SIGTERM)
            joined.communicate(timeout=60)
            assert up.stop()["batches_analysed"] == 150
    finally:
        server.stop()
