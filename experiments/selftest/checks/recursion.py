"""The recursions against queueing theory: half a million customers drawn, M/M/1, M/D/1 and M/M/c. No system takes part.

What makes the other checks sharp is a recursion driven by the very arrivals and services of a trial; here it is shown that
the recursion is right.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from experiments.selftest.check import Check
from experiments.selftest.result import Result, compared, half_width
from experiments.selftest.seen import Floats, Seen
from experiments.stats.queueing import kiefer_wolfowitz, lindley, md1_wait, mm1_wait, mmc_wait

CUSTOMERS = 500_000
RATE, SERVICE = 0.6, 1.0
_WHY = "mean wait over 500,000 drawn customers, in services, 60 % busy; 0.5 % for an empty start"


def waits(servers: int, *, constant: bool) -> Floats:
    """Waits of drawn customers, each server 60 % busy."""
    draws = np.random.Generator(np.random.PCG64(2026))
    arrivals = np.cumsum(draws.exponential(1 / (RATE * servers), CUSTOMERS))
    services = np.full(CUSTOMERS, SERVICE) if constant else draws.exponential(SERVICE, CUSTOMERS)
    return lindley(arrivals, services) if servers == 1 else kiefer_wolfowitz(arrivals, services, servers)


def _compare(_: Mapping[str, Seen]) -> Iterator[Result]:
    for name, theory, found in (
        ("recursion, M/M/1", mm1_wait(RATE, SERVICE), waits(1, constant=False)),
        ("recursion, M/D/1", md1_wait(RATE, SERVICE), waits(1, constant=True)),
        ("recursion, M/M/2", mmc_wait(2 * RATE, SERVICE, 2), waits(2, constant=False)),
    ):
        yield compared(
            name, theory, float(found.mean()), half_width(found), unit="S", allowed=0.005 * theory, sharp=0.05 * theory,
            why=_WHY,
        )  # fmt: skip


CHECK = Check("recursion", (), _compare)
