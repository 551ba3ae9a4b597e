"""The fleet: agents in classes that are alike, numbered through, and dealt to connections and processes.

Flow: a config's `[swarm]` and `[[swarm.classes]]` -> AgentClass, one after the other -> agent numbers: the first class
has 0 to agents - 1, the next goes on. `agents_per_connection` neighbours share a connection; connections are dealt to
the swarm's processes in turn, so that each process gets its share of every class.

Invariant: an agent's class and number don't depend on how many processes or connections there are, so neither do its
bytes.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadgen.model.arrivals.registry import Arrivals

Integers = NDArray[np.int64]


class AgentClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`agents` agents that cut batches alike: at `batch_size` records, or `timeout_s` after the first one.

    `pause_s`: they wait so long after each send.
    """

    name: str
    agents: int
    arrivals: Arrivals
    batch_size: int
    timeout_s: float
    pause_s: float = 0.0


def numbers(classes: Sequence[AgentClass]) -> list[range]:
    """Gives the agent numbers of each class."""
    ends = np.cumsum([one.agents for one in classes]).tolist()
    return [range(end - one.agents, end) for one, end in zip(classes, ends, strict=True)]


def connections(agents: int, agents_per_connection: int) -> int:
    """Gives how many connections the agents have."""
    return -(-agents // agents_per_connection)


def process_of(agent: Integers, agents_per_connection: int, processes: int) -> Integers:
    """Gives the number of the process that plays each agent."""
    dealt: Integers = agent // agents_per_connection % processes
    return dealt
