"""`caudal gate`: is this commit slower than that one?"""

import re
import sys
from pathlib import Path
from typing import Any, Final

import click

from experiments.cli import complete
from experiments.cli.duration import SECONDS
from experiments.cli.main import COULD_NOT_MEASURE, DIFFERS, INCONCLUSIVE, INTERRUPTED
from experiments.gate import outputs
from experiments.gate.merge import merge
from experiments.gate.play import WHOLE, Shard
from experiments.gate.result import GateResult
from experiments.gate.run import Asked, new_folder, run

_CODES: Final = {
    "PASS": 0,
    "PARTIAL": 0,
    "INCONCLUSIVE": 0,
    "FAIL": DIFFERS,
    "UNMEASURED": COULD_NOT_MEASURE,
    "INTERRUPTED": INTERRUPTED,
}


class Part(click.ParamType[Shard]):
    """I/K, as a shard."""

    name = "i/k"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """The shard."""
        if isinstance(value, Shard):
            return value
        found = re.fullmatch(r"(\d+)/(\d+)", str(value))
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not I/K with I from 1 to K, such as 1/4", param, ctx)
        return Shard(int(found[1]), int(found[2]))


@click.command()
@click.option("--base", metavar="REV", help="The commit to compare with: main, HEAD~1, a hash.")
@click.option("--head", default="HEAD", show_default=True, metavar="REV", help="The commit that may be slower.")
@click.option("--scenario", "scenarios", multiple=True, metavar="NAME", shell_complete=complete.configs,
              help="A config to play. Repeatable.  [default: gate-heavy, gate-steady, gate-latency]")  # fmt: skip
@click.option("--budget", "budget_s", type=SECONDS, default="30m", show_default=True, metavar="TIME",
              help="Begin no pair that would pass this time.")  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where the files go.  [default: results/gate/RUN]"
)
@click.option("--seed", type=click.IntRange(min=0), help="Of coins and loads.  [default: drawn, and recorded]")
@click.option("--on-inconclusive", type=click.Choice(["pass", "fail"]), default="pass", show_default=True,
              help="Exit with 0 or with 4 if neither a slowdown nor its absence was proven.")  # fmt: skip
@click.option("--shard", type=Part(), metavar="I/K", help="Play only the I-th of K shares of the pairs; needs --seed.")
@click.option("--merge", "merged", multiple=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Put shards together, and decide. Repeatable; plays nothing.")  # fmt: skip
@click.option("--always", is_flag=True, help="Measure also where nothing that runs differs: base against itself.")
def gate(
    base: str | None, head: str, scenarios: tuple[str, ...], budget_s: float, out: Path | None, seed: int | None,
    on_inconclusive: str, shard: Shard | None, merged: tuple[Path, ...], always: bool,
) -> int:  # fmt: skip
    """Compare two commits of this repository by pairs of runs, and fail if HEAD is proven to be slower.

    \b
    Examples:
      caudal gate --base main
      caudal gate --base HEAD~1 --scenario gate-heavy --budget 15m

    Exit code 0 passed (or inconclusive), 1 slower or wrong, 2 usage, 3 could not
    measure, 4 inconclusive under --on-inconclusive=fail, 130 interrupted.
    """
    if merged:
        if base is not None or shard is not None:
            raise click.UsageError("--merge plays nothing: leave --base and --shard out")
        folder = new_folder(out)
        result = merge(merged)
        outputs.write(folder, result)
        return _told(result, folder, on_inconclusive)
    if base is None:
        raise click.UsageError("--base is missing: which commit is HEAD compared with?")
    asked = Asked(
        base=base,
        head=head,
        scenarios=scenarios,
        budget_s=budget_s,
        out=out,
        seed=seed,
        always=always,
        shard=shard or WHOLE,
    )
    return _told(*run(asked, lambda line: print(line, file=sys.stderr, flush=True)), on_inconclusive)


def _told(result: GateResult, folder: Path, on_inconclusive: str) -> int:
    print(outputs.summary(result))
    print(folder)
    return code_of(result, on_inconclusive)


def code_of(result: GateResult, on_inconclusive: str) -> int:
    """The exit code of a result."""
    if result.verdict == "INCONCLUSIVE":
        print("caudal: INCONCLUSIVE: this run proved neither a slowdown nor its absence", file=sys.stderr)
        return INCONCLUSIVE if on_inconclusive == "fail" else 0
    return _CODES[result.verdict]
