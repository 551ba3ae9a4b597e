"""One side's micro-benchmarks under valgrind's callgrind: instructions a call, by benchmark.

The body runs N and 2 N times between marks, and the difference over N is what a call takes: what every run does besides (the
loop, the mark) cancels. Hashes are seeded, addresses fixed where the kernel lets us, garbage isn't collected meanwhile.
Marks are functions that nobody else calls, at which callgrind writes down what it has counted: `ctermid` of the C library in
a Python process, `echoCommand` in the server. Hyperscan runs: it asks the processor, and valgrind's has no AVX-512.
Source: Valgrind manual, "Callgrind: a call-graph generating cache profiler", --dump-before.
"""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import redis

from experiments.deploy.broker import free_port, program
from experiments.gate.build import Build
from experiments.instructions import counter

_COUNTER: Final = Path(counter.__file__)
_MARKS: Final = {"process": "ctermid", "server": "echoCommand"}
_LONGEST_S: Final = 600.0
_START_S: Final = 60.0

#: A tick that fell among the calls of one commit and not of the other was 1.03 % of `scripts.accept` once.
_SERVER_RUNS: Final = 3

#: The server's clock ticks once a second and rehashes nothing by itself: what it does beside the scripts is noise.
_QUIET: Final = 'save ""\nappendonly no\nhz 1\ndynamic-hz no\nactiverehashing no\nloglevel warning\n'


class ValgrindError(RuntimeError):
    """Instructions can't be counted here. The message says what to install, or what callgrind said."""


class HeadFailsError(RuntimeError):
    """A benchmark of head fails, which is head's fault and no lack of a measurement. The message names it."""


def require() -> None:
    """Raises: ValgrindError if there is no valgrind."""
    if shutil.which("valgrind") is None:
        raise ValgrindError("valgrind isn't installed, so no instructions are counted: apt-get install valgrind")


def count(side: Build, scratch: Path) -> dict[str, float]:
    """Instructions a call of each benchmark of a side. Raises: SideError, HeadFailsError, ValgrindError.

    Args:
        scratch: an empty folder for what callgrind writes.
    """
    found: dict[str, float] = {}
    call = [str(side.python), "-P", str(_COUNTER)]
    if _called(side, [*call, "process"]):  # first without callgrind: so all is compiled, and is seen to pass
        file = scratch / "process"
        found |= per_call(
            _called(side, [*_callgrind(file, "process"), *call, "process"]),
            _totals(file, "process"),
            counter.CALLS["process"],
        )
    if _called(side, [*call, "server"]):
        runs = []
        for number in range(_SERVER_RUNS):
            file = scratch / f"server{number}"
            with _server(file) as url:
                told = _called(side, [*call, "server", url])
            runs.append(_totals(file, "server"))
        found |= per_call(told, least(runs), counter.CALLS["server"])
    return found


def least(runs: Sequence[Sequence[int]]) -> list[int]:
    """Of each mark the fewest instructions in any run: what a clock's tick adds, it adds in one.

    Raises: ValgrindError if the runs saw different numbers of marks.
    """
    if len({len(totals) for totals in runs}) != 1:
        raise ValgrindError(f"callgrind must see as many marks in each run, got {[len(totals) for totals in runs]}")
    return [min(of_mark) for of_mark in zip(*runs, strict=True)]


def per_call(told: Sequence[str], totals: Sequence[int], calls: int) -> dict[str, float]:
    """Instructions a call by name: (I(2 N) - I(N)) / N.

    Args:
        told: names of the benchmarks, in order.
        totals: instructions up to each mark since the one before: three marks a benchmark.
        calls: N.

    Raises: ValgrindError if there aren't so many marks.
    """
    if len(totals) != 3 * len(told):
        raise ValgrindError(f"callgrind must have seen 3 marks for each of {len(told)} benchmarks, got {len(totals)}")
    of_n, of_2n = totals[1::3], totals[2::3]
    return {name: (two - one) / calls for name, one, two in zip(told, of_n, of_2n, strict=True)}


def _callgrind(file: Path, what: str) -> list[str]:
    fixed = ["setarch", "-R"] if _addresses_can_be_fixed() else []
    return [
        *fixed, "valgrind", "-q", "--tool=callgrind", "--combine-dumps=yes", f"--dump-before={_MARKS[what]}",
        f"--callgrind-out-file={file}",
    ]  # fmt: skip


def _addresses_can_be_fixed() -> bool:
    """Whether `setarch -R` works: a container may forbid it."""
    return shutil.which("setarch") is not None and not subprocess.run(["setarch", "-R", "true"], check=False).returncode


def _totals(file: Path, what: str) -> list[int]:
    """What was counted up to each mark, in order. Raises: ValgrindError if callgrind wrote nothing."""
    try:
        text = file.read_text()
    except OSError as error:
        raise ValgrindError(f"callgrind wrote no {file.name}: {error.strerror}") from None
    parts = re.findall(r"^desc: Trigger: (.+?)$.*?^totals: (\d+)", text, re.MULTILINE | re.DOTALL)
    return [int(total) for why, total in parts if why == f"--dump-before={_MARKS[what]}"]


def _environment(folder: Path) -> dict[str, str]:
    """The same for both sides, with paths of one length: its size moves what lies behind it in memory."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": str(folder / ".venv"),  # or who comes first compiles Hyperscan's databases for both
    }


def _called(side: Build, command: Sequence[str]) -> list[str]:
    """The lines that a command on a side prints. Raises: SideError, HeadFailsError."""
    try:
        done = subprocess.run(
            command,
            cwd=side.root,
            env=_environment(side.root),
            capture_output=True,
            text=True,
            check=True,
            timeout=_LONGEST_S,
        )
    except subprocess.TimeoutExpired as error:
        raise side.error("counted", str(error)) from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        if side.side == "head":
            raise HeadFailsError(f"head ({side.commit[:12]}): {said[-1]}; `make bench` runs it") from None
        raise side.error("counted", f"{said[-1]}; name another base: make bench-gate BASE=REV") from None
    return done.stdout.split()


@contextlib.contextmanager
def _server(file: Path) -> Iterator[str]:
    """The embedded server under callgrind: its URL. Raises: ValgrindError if it doesn't answer."""
    port, password = free_port(), secrets.token_hex(16)
    settings, log = file.with_suffix(".conf"), file.with_suffix(".log")
    settings.touch(mode=0o600)
    settings.write_text(f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n{_QUIET}")
    command = [*_callgrind(file, "server"), program(None), str(settings)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=file.parent, env=_environment(file.parent), stdout=output, stderr=output
        )
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    client: Any = redis.Redis.from_url(url)
    try:
        until = time.monotonic() + _START_S
        while not _answers(client):
            if process.poll() is not None or time.monotonic() > until:
                last = log.read_text(errors="replace").strip().splitlines()
                raise ValgrindError(f"the server doesn't answer under valgrind: {last[-1] if last else 'no word'}")
            time.sleep(0.1)
        yield url
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=_START_S)


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
