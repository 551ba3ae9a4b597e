"""What a command says that was interrupted: what is kept, and how to go on."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.cli.main import INTERRUPTED
from experiments.design.redact import redacted
from experiments.store.run import PARTIAL


def interrupted(runs: Path, words: Sequence[str]) -> int:
    """Says it on standard error; gives the exit code.

    Args:
        runs: the folder of the experiment's runs.
        words: the command line, without `--resume`.
    """
    kept = sorted(runs.glob(f"*{PARTIAL}"))
    say = (
        f"what is done is kept in {kept[-1]}; {redacted(shlex.join([*words, '--resume']))} goes on"
        if kept
        else "nothing was done"
    )
    print(f"caudal: interrupted; {say}", file=sys.stderr)
    return INTERRUPTED
