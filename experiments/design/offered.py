"""What an open loop's schedule takes before the load starts: all arrivals of an agent are drawn, and all batches cut.

Pure: settings in, records and bytes out. `checks` refuses what no swarm process could draw in time, and
`experiments.preflight` what this machine's memory couldn't hold.
"""

from typing import Final, NamedTuple

from experiments.design.trial_config import TrialConfig
from loadgen.model.arrivals.process import OpenLoopProcess

#: Records whose arrivals one swarm process can draw: it has 60 s until it must be ready, and draws 14 million a second
#: (2-core AMD EPYC guest, 2026-11).
MOST_RECORDS: Final = 500_000_000

#: Measured there on schedules of 20 million records: the peak while they are drawn and put in order, over what the
#: process took before. An agent's arrivals are let go when its batches are cut.
RECORD_BYTES: Final = 17
BATCH_BYTES: Final = 111


class Offered(NamedTuple):
    """Records of all agents; the most of one agent; batches, at least: TIMEOUT may cut smaller ones."""

    records: float
    of_an_agent: float
    batches: float

    @property
    def memory_bytes(self) -> float:
        """What the whole schedule takes while it is made, about."""
        return self.of_an_agent * RECORD_BYTES + self.batches * BATCH_BYTES


def offered(config: TrialConfig) -> Offered | None:
    """What is expected until the load's end; None under full load, whose records have no times."""
    found = Offered(0.0, 0.0, 0.0)
    horizon_ns = round(config.trial.load_s * 1e9)
    for one in config.swarm.fleet():
        if not isinstance(one.arrivals, OpenLoopProcess):
            return None
        each = one.arrivals.prepared({}).expected_records(horizon_ns)
        found = Offered(
            found.records + one.agents * each,
            max(found.of_an_agent, each),
            found.batches + one.agents * each / one.batch_size,
        )
    return found
