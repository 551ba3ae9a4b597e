"""What a command says that came to no end of its own: what is kept, and how to go on."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.cli.main import COULD_NOT_MEASURE, INTERRUPTED
from experiments.design.redact import redacted
from experiments.store.run import PARTIAL


def interrupted(runs: Path, words: Sequence[str]) -> int:
    """Says it on standard error; gives the exit code.

    Args:
        runs: the folder of the experiment's runs.
        words: the command line, without `--resume`.
    """
    return _say("interrupted", runs, words, INTERRUPTED)


def full(out: Path, name: str, words: Sequence[str]) -> int:
    """The same where the disk of `out` was full: the runs of the experiment `name` lie there."""
    return _say(f"the disk of {out} is full", out / name, words, COULD_NOT_MEASURE)


def _say(what: str, runs: Path, words: Sequence[str], code: int) -> int:
    kept = sorted(runs.glob(f"*{PARTIAL}"))
    say = (
        f"what is done is kept in {kept[-1]}; {redacted(shlex.join([*words, '--resume']))} goes on"
        if kept
        else "nothing was done"
    )
    print(f"caudal: {what}; {say}", file=sys.stderr)
    return code
