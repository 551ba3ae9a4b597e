"""Whether the hypotheses of a config can be judged: their cells and figures are there, and each says one thing."""

from collections.abc import Sequence
from typing import Any

from experiments.analysis.hypotheses import Hypothesis
from experiments.analysis.measures import MEASURES
from experiments.analysis.naming import cell_name
from experiments.design.errors import ConfigError, shown
from experiments.design.nearest import closest


def check_hypotheses(asked: Sequence[Hypothesis], levels: Sequence[dict[str, Any]], place: str) -> None:
    """Args: levels: of each cell; place: of the table, for messages. Raises: ConfigError."""
    cells = [cell_name(each) for each in levels]
    for number, one in enumerate(asked):
        where = f"experiment.hypotheses[{number}]"
        _one_of(f"{where}.figure", one.figure, list(MEASURES), place, "docs/config.md lists them")
        for name in ("design", "alternative"):
            given = getattr(one, name)
            if given is not None:
                _one_of(f"{where}.{name}", given, cells, place, "`caudal plan` shows the cells")
        limits = [name for name in ("at_most", "at_least") if getattr(one, name) is not None]
        if (one.alternative is not None) == bool(limits):
            said = " and ".join((*(["alternative"] if one.alternative is not None else []), *limits)) or "neither"
            raise ConfigError(
                f"{where} must have either an alternative or a limit (at_most, at_least), got {said} ({place}); keep one"
            )
        if one.alternative is not None and cells.count(one.design) == 1 and one.alternative == one.design:
            raise ConfigError(
                f"{where}.alternative must be another cell than design, got {shown(one.design)} ({place}); name one"
            )


def _one_of(path: str, given: str, known: Sequence[str], place: str, remedy: str) -> None:
    if known.count(given) == 1:
        return
    near = closest(given, known)
    wrong = "names several cells" if given in known else "must be one of those there are"
    if given not in known and near:
        remedy = f"the nearest is {shown(near[0])}; {remedy}"
    elif given in known:
        remedy = "give the cells a trial.label each"
    raise ConfigError(f"{path} {wrong}, got {shown(given)} ({place}); {remedy}")
