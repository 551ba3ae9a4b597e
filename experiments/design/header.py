"""The `[experiment]` table: what is asked, from which seed, and how often each cell is run.

Either a fixed number of replicates, or as many between two limits as the confidence interval needs to become narrow
enough.
"""

from typing import Annotated

import msgspec

from experiments.analysis.hypotheses import Hypothesis
from experiments.design.errors import ConfigError

Replicates = Annotated[int, msgspec.Meta(ge=1, le=1000)]

#: Fewer than 5 trials a cell give no interval, so that many are the default.
DEFAULT_REPLICATES = 5

#: The keys that leave the number of replicates to the interval: all of them, or none.
ADAPTIVE = ("min_replicates", "max_replicates", "ci_half_width")


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[experiment]` table. Either `replicates`, or all of `min_replicates`, `max_replicates`, `ci_half_width`.

    `steps`: the cells are a walk, each compared with the one before. `attempts`: how often at most a trial is run that the
    machine's moment made invalid (`metrics.validity.registry.passing`). `hypotheses`: what is judged, fixed before the run.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=100)]
    question: str = ""
    steps: bool = False
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    replicates: Replicates | None = None
    min_replicates: Replicates | None = None
    max_replicates: Replicates | None = None
    ci_half_width: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    hypotheses: tuple[Hypothesis, ...] = ()


class Replication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many replicates each cell gets: at least and at most, and the relative half-width that ends it between.

    `attempts`: how often at most each of them is run.
    """

    least: int
    most: int
    ci_half_width: float | None = None
    attempts: int = 1


def replication(header: Header, place: str) -> Replication:
    """Gives how often each cell is run.

    Args:
        header: the `[experiment]` table.
        place: where it stands, for messages.

    Raises:
        ConfigError: both ways are given, one is given in part, or the least is above the most.
    """
    given = {name: getattr(header, name) for name in ADAPTIVE if getattr(header, name) is not None}
    if not given:
        count = DEFAULT_REPLICATES if header.replicates is None else header.replicates
        return Replication(least=count, most=count, attempts=header.attempts)
    said = ", ".join(f"{name} = {value}" for name, value in given.items())
    if header.replicates is not None:
        raise ConfigError(
            f"experiment.replicates must be left out where {', '.join(given)} is given, got {header.replicates} "
            f"and {said} ({place}); keep one of the two ways"
        )
    missing = [name for name in ADAPTIVE if name not in given]
    if missing:
        raise ConfigError(
            f"experiment.{missing[0]} must be given too: {', '.join(ADAPTIVE)} go together, got {said} ({place}); "
            f"add {' and '.join(missing)}, or give replicates alone"
        )
    least, most = given["min_replicates"], given["max_replicates"]
    if least > most:
        raise ConfigError(
            f"experiment.min_replicates must be <= max_replicates = {most}, got {least} ({place}); exchange them"
        )
    return Replication(least=least, most=most, ci_half_width=given["ci_half_width"], attempts=header.attempts)
