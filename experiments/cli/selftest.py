"""`caudal selftest`: the whole instrument against known answers."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from experiments.cli.main import COULD_NOT_MEASURE, DIFFERS
from experiments.running.trial import Moment
from experiments.selftest import lab
from experiments.selftest.checks.registry import CHECKS
from experiments.selftest.result import Result

_SAID = {"pass": "passed", "fail": "failed", "blunt": "blunt"}
_COLOURS = {"pass": "green", "fail": "bold red", "blunt": "yellow"}


@click.command()
@click.option("--quick", is_flag=True, help="Shorter scenes: within two minutes, with wider intervals.")
@click.option("--only", metavar="CHECK", multiple=True, type=click.Choice([one.name for one in CHECKS]),
              help="Run this check alone. Repeatable.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of the load.")
def selftest(quick: bool, only: tuple[str, ...], seed: int) -> int:
    """Hold the instrument against known answers: queueing theory, a stall, Little's law, the account, CPU time.

    \b
    Examples:
      caudal selftest --quick
      caudal selftest --only waiting --only little

    Plays trials of the real system with an engine whose service times are known. Exit code 0 if every check passes, 1 if
    one fails: the instrument is wrong; 3 if the machine was too noisy to tell, or a scene gave no measurement.
    """
    checks = [one for one in CHECKS if not only or one.name in only]
    screen = Screen(Console(stderr=True))
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="caudal-selftest-"))
    try:
        found = lab.run(checks, folder, screen, quick=quick, seed=seed)
    except lab.LabError as error:
        print(f"caudal: {error}", file=sys.stderr)
        return COULD_NOT_MEASURE
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)
    ended = lab.verdict(found)
    count = {word: sum(one.verdict == word for one in found) for word in _COLOURS}
    words = {
        "pass": "SELF-TEST PASSED",
        "fail": "SELF-TEST FAILED: the instrument is wrong",
        "blunt": "SELF-TEST UNDECIDED: an interval is too wide; quieter machine, or no --quick",
    }
    told = ", ".join(f"{count[word]} {said}" for word, said in _SAID.items() if count[word])
    print(f"{told}; {time.monotonic() - begun:.0f} s")
    print(words[ended])
    return {"pass": 0, "fail": DIFFERS, "blunt": COULD_NOT_MEASURE}[ended]


class Screen:
    """A line as a scene begins, and one with its reason for each comparison."""

    def __init__(self, notes: Console) -> None:
        self._notes = notes
        self._out = Console(highlight=False)

    def scene(self, name: str, number: int, count: int, left_s: float) -> None:
        """See `LabScreen`."""
        self._notes.print(f"scene {number} of {count}: {name}; about {left_s:.0f} s left", style="dim", highlight=False)

    def moment(self, moment: Moment) -> None:
        """See `LabScreen`. Scenes are short: their lines are progress enough."""

    def result(self, found: Result) -> None:
        """See `LabScreen`."""
        line = Text.assemble(
            (f"{found.verdict:<6}", _COLOURS[found.verdict]),
            f"{found.name}: theory {_number(found.theory)}, measured {_number(found.measured)}"
            f" [{_number(found.low)}, {_number(found.high)}] {found.unit}",
        )
        self._out.print(line)
        self._out.print(Padding(Text(found.why, style="dim"), (0, 0, 0, 6)), width=min(self._out.width, 100))


def _number(value: float) -> str:
    """Four digits, or the whole number where that has more."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:.4g}"
