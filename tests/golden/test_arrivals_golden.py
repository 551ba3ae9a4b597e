"""Fingerprints of arrival times and of their batches: what a schedule sealed with an old result must still be.

A change of one of these makes every earlier result unreadable for the analysis: it is a commit of its own, and says
why.
"""

import hashlib

import numpy as np
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import NS_PER_S, OpenLoopProcess
from loadgen.model.batching import cut

GOLDEN: list[tuple[OpenLoopProcess, int, int, int, list[int], str]] = [
    (Constant(rate_per_s=1000.0), 7, 0, 10000, [808579, 1808579, 2808579], "3092e5c9473bfc39"),
    (Constant(rate_per_s=0.3), 7, 3, 3, [1962824770, 5296158103, 8629491437], "c93e64196aba0455"),
    (Poisson(rate_per_s=1000.0), 7, 0, 10116, [1653284, 3282292, 4493108], "075efcce134903b2"),
    (Poisson(rate_per_s=1000.0), 7, 1, 9997, [1336080, 2011490, 2769399], "43ccfd43f10847e1"),
    (Poisson(rate_per_s=1000.0), 8, 0, 10070, [244298, 395118, 901494], "a8bae54eca93ddd6"),
    (Poisson(rate_per_s=0.5), 1, 99999, 7, [1081481144, 1292503102, 2296816851], "3922292a863bbb2d"),
]

#: Batches, and how many of them by size.
BATCHES = (545, 372)
BATCHES_FINGERPRINT = "51317eb0aca6c457"


@pytest.mark.parametrize(("process", "seed", "agent", "count", "head", "fingerprint"), GOLDEN)
def test_arrival_times_are_what_they_were(
    process: OpenLoopProcess, seed: int, agent: int, count: int, head: list[int], fingerprint: str
) -> None:
    times = process.draw(seed, agent, 10 * NS_PER_S)
    assert times[:3].tolist() == head
    assert len(times) == count
    assert hashlib.sha256(times.astype("<i8").tobytes()).hexdigest()[:16] == fingerprint


def test_the_batches_of_a_small_fleet_are_what_they_were() -> None:
    parts = [Poisson(rate_per_s=100.0).draw(7, agent, 10 * NS_PER_S) for agent in range(5)]
    lengths = np.array([len(part) for part in parts], np.int64)
    flushes = cut(np.concatenate(parts), 10, 100_000_000, 10 * NS_PER_S, lengths)
    columns = np.stack([flushes.agent, flushes.time_ns, flushes.first, flushes.count, flushes.by_size.astype(np.int64)])
    assert (len(flushes), int(flushes.by_size.sum())) == BATCHES
    assert hashlib.sha256(columns.astype("<i8").tobytes()).hexdigest()[:16] == BATCHES_FINGERPRINT
