"""The page of all verdicts, as Markdown: a table of outcomes, one of today's rules, one of noise."""

from collections.abc import Iterator, Sequence

from experiments.validation.tally import Tally
from experiments.validation.today import RULES


def page(tallies: Sequence[Tally]) -> str:
    """The tables; every share is followed by its exact 95 % interval."""
    return "\n".join(_lines(tallies)) + "\n" if tallies else "no verdict has been played yet\n"


def _lines(tallies: Sequence[Tally]) -> Iterator[str]:
    yield from _table(
        (
            "planted",
            "scenario",
            "FAIL",
            "PASS",
            "inconclusive",
            "unmeasured",
            "unfinished",
            "planted process named first",
        ),
        [
            (one.plant, one.scenario, *map(str, one.verdicts.values()), str(one.unfinished), _named(one))
            for one in tallies
        ],
    )
    yield ""
    yield from _table(
        ("called slower", *(f"{one.plant}, {one.scenario}" for one in tallies)),
        [("the gate", *(str(one.verdicts["FAIL"]) for one in tallies))]
        + [(rule, *(str(one.today[rule]) for one in tallies)) for rule in RULES],
    )
    yield ""
    yield from _table(
        (
            "planted",
            "scenario",
            "metric",
            "sd(pair): least, median, most",
            "second place: least, median, most",
            "coverage",
        ),
        [
            (one.plant, one.scenario, metric, _three(sd), _three(one.position.get(metric)), _covered(one))
            for one in tallies
            for metric, sd in one.sd_pair.items()
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _named(one: Tally) -> str:
    return "" if one.covered is not None else str(one.named)


def _covered(one: Tally) -> str:
    return "" if one.covered is None else str(one.covered)


def _three(values: tuple[float, float, float] | None) -> str:
    return "–" if values is None else ", ".join(f"{value * 100:.1f} %" for value in values)
