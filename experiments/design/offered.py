"""What an open loop's schedule takes: time before the load starts, memory when it is drawn again for the analysis.

Pure: settings in, records and bytes out. `checks` refuses what no swarm process could draw in time, and
`experiments.running.preflight` what this machine's memory couldn't hold.
"""

from typing import Final, NamedTuple

from experiments.design.trial_config import TrialConfig
from loadgen.model.arrivals.process import OpenLoopProcess

#: Records a second whose arrivals one swarm process surely draws before it is ready: half of what it does on a 2-core AMD
#: EPYC guest (2026-11).
DRAWN_PER_S: Final = 7_000_000

#: What drawing may take beside the time of the load itself; `experiments.running.trial` waits so long for the swarm.
DRAWING_S: Final = 60.0

#: Measured there on schedules of 1 to 4 million batches of 3 and 3,000 agents (n = 1 each): the peak while they are drawn
#: and put in order, over what the process took before, was 77 to 84. Arrivals come in pieces, and take nothing beside that.
BATCH_BYTES: Final = 84


class Offered(NamedTuple):
    """Records of all agents; batches, at least: TIMEOUT may cut smaller ones."""

    records: float
    batches: float

    @property
    def memory_bytes(self) -> float:
        """What the whole schedule takes while it is made in one piece, about: the runner does that, no swarm process."""
        return self.batches * BATCH_BYTES


def offered(config: TrialConfig) -> Offered | None:
    """What is expected until the load's end; None under full load, whose records have no times."""
    found = Offered(0.0, 0.0)
    horizon_ns = round(config.trial.load_s * 1e9)
    for one in config.swarm.fleet():
        if not isinstance(one.arrivals, OpenLoopProcess):
            return None
        each = one.arrivals.prepared({}).expected_records(horizon_ns)
        found = Offered(found.records + one.agents * each, found.batches + one.agents * each / one.batch_size)
    return found
