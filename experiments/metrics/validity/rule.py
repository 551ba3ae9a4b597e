"""What a rule of validity is: a name, the fault it is there for, and a check that gives reasons.

Only the instrument makes a trial invalid. What the system did is its outcome, and no rule may blame it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from experiments.metrics.detections import Detections
from experiments.metrics.ledger import Ledger
from experiments.metrics.validity.limits import Limits
from experiments.stats.steady import Steady
from experiments.store.record import TrialRecord
from experiments.store.tables import Tables


class Evidence(NamedTuple):
    """What rules judge by: a trial as sealed, and what was computed of it.

    `unlike`: why the schedule isn't the sealed one, empty if it is. `instants_unknown`: batches without a commit instant.
    `steady`: None where no steady state is due. `limits`: None for a result from before there were any.
    """

    record: TrialRecord
    tables: Tables
    ledger: Ledger
    detections: Detections
    unlike: list[str]
    instants_unknown: int
    steady: Steady | None
    limits: Limits | None


class Rule(NamedTuple):
    """One rule: its reasons begin with `name: `.

    `passing`: what else ran on the machine at that moment can be the cause, so that another attempt may do without it.
    No account is ever that: what was lost, made up or misread would be there to be found again.
    """

    name: str
    fault: str
    check: Callable[[Evidence], Iterable[str]]
    passing: bool = False
