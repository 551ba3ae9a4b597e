"""Things for probes to look at: a broker of its own, and processes that do a known amount of work when they are told."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.deploy import broker
from experiments.probes.probe import Probe, Reading, Watched
from system.broker.connect import client


class Worker:
    """A process that runs a line of Python each time it is told one, and says when it has."""

    def __init__(self) -> None:
        loop = "import sys, os, time\nwhile line := sys.stdin.readline():\n    exec(line)\n    os.write(1, b'.')\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", loop], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.do("pass")  # it has started

    @property
    def pid(self) -> int:
        return self.process.pid

    def do(self, line: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line.encode() + b"\n")
        assert self.process.stdout.read(1) == b"."

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Watched, Worker, broker.Broker]]:
    """A broker and one worker process, which stands as a part of its own and as a worker node."""
    server = broker.start(folder, named=None, url=None, cpus=())
    worker, connection = Worker(), client(server.url, reply_s=1.0)
    assert server.process is not None
    parts = {"broker": [server.process.pid], "swarm": [worker.pid], "workers": [worker.pid]}
    try:
        yield Watched(lambda: parts, connection, folder), worker, server
    finally:
        connection.close()
        worker.end()
        server.stop()


def values(readings: list[Reading]) -> dict[tuple[str, str], float]:
    """By (part, figure)."""
    return {(one.part, one.figure): one.value for one in readings}


def growth(probe: Probe, before: list[Reading], part: str, figure: str) -> float:
    """What a counter grew by since `before`."""
    return values(probe.sample())[part, figure] - values(before).get((part, figure), 0.0)
