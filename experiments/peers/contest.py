"""What a contest between peers gives: one figure a contender, or a clear word why it isn't there."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

Watch = Callable[[str], None]


class Score(NamedTuple):
    """One turn of one contender: units a second, and units a CPU second of what is compared."""

    per_s: float
    per_cpu_s: float


class Contest(NamedTuple):
    """Contenders at one task, the first of them ours. `unit` is what is counted; `fairness`: who acknowledges and keeps what.

    `missing` gives, by contender, why it can't take part here.
    """

    name: str
    unit: str
    fairness: str
    contenders: Mapping[str, Callable[[], Score]]
    missing: Mapping[str, str]
