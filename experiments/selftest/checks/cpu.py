"""CPU accounting against processes that know what they used: a parent and its child, which spin by their own CPU clocks.

The accounting is the one by which every trial's parts are charged. The kernel counts a process's time in ticks of 10 ms.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from experiments.deploy.process import ChildProcess
from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared
from experiments.selftest.seen import Seen

#: CPU seconds that the parent uses, and its child, which is still there when they are counted.
PARENT_S, CHILD_S = 0.3, 0.7

_PROGRAM = """
import os, sys, time
def spin(limit_s):
    begin = time.process_time()
    while time.process_time() - begin < limit_s:
        pass
    return time.process_time() - begin
print("ready", flush=True)
sys.stdin.readline()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, repr(spin(float(sys.argv[2]))).encode())
    sys.stdin.readline()
    os._exit(0)
mine = spin(float(sys.argv[1]))
print("used", mine + float(os.read(read, 100)), flush=True)
sys.stdin.readline()
"""


def measure() -> tuple[float, float]:
    """CPU seconds that the two used by their own clocks, and by the accounting."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", _PROGRAM, str(PARENT_S), str(CHILD_S)]
        process = ChildProcess("spinner", words, Path(folder), environment={})
        with closing(_Ended(process)):
            process.expect("ready", 30.0)
            before_s = process.cpu_s()
            process.tell("go")
            used_s = float(process.expect("used", 120.0))
            return used_s, process.cpu_s() - before_s


class _Ended:
    def __init__(self, process: ChildProcess) -> None:
        self._process = process

    def close(self) -> None:
        self._process.stop(grace_s=0.0)


def judge(used_s: float, counted_s: float) -> Result:
    """The comparison."""
    return compared(
        "CPU accounting", used_s, counted_s, 0.02, unit="CPU s", allowed=0.02, sharp=0.05 * used_s,
        why="a parent and its child, by their own CPU clocks against the accounting; two ticks of 10 ms each way, and what"
        " they do beside spinning",
    )  # fmt: skip


def _compare(_: Mapping[str, Seen]) -> Iterator[Result]:
    yield judge(*measure())


CHECK = Check("cpu", (), _compare)
