"""The interface of a publisher: the way from the gateway into the broker.

A publisher takes the batches that wait and returns when the broker holds them; the gateway acknowledges after that and
never before. `pipelined` and `celery` implement it (registry.py).
"""

import enum
from collections.abc import Sequence
from typing import Protocol

from system.broker.batch import Batch


class Outcome(enum.Enum):
    """What became of one batch: ours now, ours already (acknowledge both), or in conflict with records we hold.

    The values are the numbers that scripts/accept.lua gives.
    """

    ACCEPTED = 1
    KNOWN = 0
    CONFLICT = -1


class BrokerUnavailableError(Exception):
    """The broker didn't confirm: whether it holds the batches is unknown, so none of them may be acknowledged."""


class Publisher(Protocol):
    """Writes batches to the broker.

    One that knows how many tasks were unfinished after its last `publish` says so as `unfinished`; the gateway asks for it,
    and takes a publisher without it for one that has none.
    """

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        """One outcome a batch, in order, once the broker has confirmed them all.

        Raises: BrokerUnavailableError if it didn't confirm.
        """
        ...

    async def close(self) -> None:
        """Releases connections and threads."""
        ...
