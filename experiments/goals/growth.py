"""Whether memory grows with the length of a trial: growth.toml played short and long, and each part's memory at both.

A part's memory is what the probe `processes` read of it (RSS of all its processes), mean of the window's last third: of a
short and a long trial the same share is begun. Each trial has a runner of its own, since one that has analysed a trial
keeps some of the memory that this took.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from experiments.deploy.process import ProcessError
from experiments.goals.goal import Figure, Goal
from experiments.metrics.samples import level
from experiments.store.run import RunFolder

#: Of the long trial's memory by the short one's.
MOST: Final = 1.1
#: The goal is about the first four; of the others it is said too.
PARTS: Final = ("swarm", "gateway", "recorder", "runner", "broker", "worker_parents", "worker_children")

#: Exit codes of `caudal run` after which there is a sealed run: valid, and not.
_SEALED: Final = {0: True, 3: False}


class Played(NamedTuple):
    """A trial: its window's length, each part's memory, and whether it is valid."""

    seconds: float
    resident_bytes: Mapping[str, float]
    valid: bool


def play(seconds: float, out: Path, watch: Callable[[str], None]) -> Played:
    """Runs growth.toml with a window of so many seconds. Raises: ProcessError, StoreError."""
    words = ["run", "growth", "--set", f"trial.measure_s={seconds}", "--out", str(out), "--figures", "svg", "--quiet"]
    watch(f"caudal {' '.join(words)}: {seconds:g} s of load, then its analysis")
    code, said = _caudal(words)
    if code not in _SEALED:
        raise ProcessError(f"growth: the trial of {seconds:g} s ended with code {code}, see above", code)
    folder = RunFolder.open_sealed(Path(said.splitlines()[-1]))
    (record,) = folder.records()
    tables = folder.tables(record)
    if tables is None:
        raise ProcessError(f"growth: the trial of {seconds:g} s failed: {record.failure}; see {folder.path}")
    return Played(seconds, resident(tables.probes, *record.window), _SEALED[code])


def _caudal(words: Sequence[str]) -> tuple[int, str]:
    """Runs a command of ours in a session of its own, so that an interrupt comes to it once, from here; it ends in order."""
    command = [sys.executable, "-c", "from experiments.entry import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        try:
            said, _ = child.communicate()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            raise
        return child.returncode, said


def resident(probes: np.ndarray, begin_mono_ns: int, end_mono_ns: int) -> dict[str, float]:
    """Each part's memory in bytes, mean of the window's last third; a part that wasn't read in it is not there."""
    late = end_mono_ns - (end_mono_ns - begin_mono_ns) // 3
    found = {part: level(probes, part, "resident_bytes", late, end_mono_ns) for part in PARTS}
    return {part: one.mean for part, one in found.items() if one is not None}


def figures(short: Sequence[Played], long: Sequence[Played]) -> dict[str, Figure]:
    """By part: its memory after the long trial by that after the short one, one value a pair."""
    found = {}
    for part in PARTS:
        pairs = [
            (one.resident_bytes.get(part), two.resident_bytes.get(part)) for one, two in zip(short, long, strict=True)
        ]
        goal = Goal(what=f"memory of {part}, long by short", wanted=MOST, unit="times", at_most=True)
        found[part] = Figure(goal=goal, values=tuple(two / one for one, two in pairs if one and two))
    return found


def table(short: Sequence[Played], long: Sequence[Played]) -> list[list[str]]:
    """A row a part: its memory (MB, mean over the repeats) in both trials, the ratio, and the verdict; the header first.

    Of an invalid trial the memory stands all the same, but the verdict says so.
    """
    rows = [["part", *(f"{one[0].seconds:g} s, MB" for one in (short, long)), "times", "at most", "n", "verdict"]]
    doubt = "" if all(one.valid for one in (*short, *long)) else " (an invalid trial)"
    for part, figure in figures(short, long).items():
        ratio = figure.estimate.value
        rows.append([
            part, *(_mb([one.resident_bytes.get(part) for one in played]) for played in (short, long)),
            "–" if ratio is None else f"{ratio:.3f}", f"{MOST:g}", str(len(figure.values)), figure.verdict + doubt,
        ])  # fmt: skip
    return rows


def _mb(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known) / 1e6:.1f}" if known else "–"
