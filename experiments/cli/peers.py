"""`caudal peers` (also `caudal run peers`): others at the same task, beside us, in one run."""

import sys

import click

from experiments.cli.main import COULD_NOT_MEASURE
from experiments.deploy.process import ProcessError
from experiments.goals.goal import spelled
from experiments.peers import generators, plain_celery, syslog
from experiments.peers.contest import Contest, Score
from experiments.stats.ratio import ratio

NAMES = ("generators", "syslog", "celery")


@click.command()
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True,
              help="Turns of each contender; an interval takes five.")  # fmt: skip
@click.option("--only", metavar="CONTEST", multiple=True, type=click.Choice(NAMES),
              help="This contest alone: generators, syslog or celery. Repeatable.")  # fmt: skip
@click.option("--locust", metavar="PROGRAM", help="Locust's program, where it isn't on the PATH.")
@click.option("--rsyslogd", metavar="PROGRAM", help="rsyslog's program, where it isn't on the PATH.")
@click.option(
    "--rsyslog-modules", metavar="DIRECTORY", help="rsyslog's modules, where they aren't in their usual place."
)
def peers(
    repeats: int, only: tuple[str, ...], locust: str | None, rsyslogd: str | None, rsyslog_modules: str | None
) -> int:
    """Measure peers beside Caudal: Locust, rsyslog, syslog-ng, plain Celery. Same lines, same machine, turn by turn.

    \b
    Examples:
      caudal peers
      caudal peers --only generators --locust ~/locust/bin/locust

    A peer that isn't installed is left out, with a word. Prints Markdown tables. Exit code 0, or 3 if a contender that is
    here could not be measured.
    """
    contests = {
        "generators": lambda: generators.contest(locust),
        "syslog": lambda: syslog.contest(rsyslogd, rsyslog_modules),
        "celery": plain_celery.contest,
    }
    failed = False
    for name in only or NAMES:
        failed |= _play(contests[name](), repeats)
    return COULD_NOT_MEASURE if failed else 0


def _play(contest: Contest, repeats: int) -> bool:
    """All contenders' turns, block by block; prints the table. Whether one failed."""
    scores: dict[str, list[Score]] = {name: [] for name in contest.contenders}
    missing = dict(contest.missing)
    here = [name for name in contest.contenders if name not in missing]
    failed = False
    for turn in range(repeats):
        for name in here if turn % 2 == 0 else reversed(here):
            print(f"{contest.name}: {name}, turn {turn + 1} of {repeats}", file=sys.stderr, flush=True)
            try:
                scores[name].append(contest.contenders[name]())
            except ProcessError as error:
                print(f"{contest.name}: {name}: {error}", file=sys.stderr, flush=True)
                missing[name] = str(error)
                failed = True
    print(f"{contest.name[0].upper()}{contest.name[1:]}. {contest.fairness}\n")
    unit = contest.unit
    print(f"| contender | {unit} a second | {unit} a CPU second | caudal by it, a second | a CPU second | n |")
    print("|---|---|---|---|---|---|")
    first, *_ = contest.contenders
    for name, mine in scores.items():
        if not mine:
            print(f"| {name} | skipped: {missing[name]} | | | | 0 |")
            continue
        cells = [spelled(sum(column) / len(mine)) for column in zip(*mine, strict=True)]
        for at in range(2):
            pair = [one[at] for one in mine], [one[at] for one in scores[first]]
            cells.append("1" if name == first else str(ratio(*pair, paired=False)))
        print(f"| {name} | {' | '.join(cells)} | {len(mine)} |")
    print(flush=True)
    return failed
