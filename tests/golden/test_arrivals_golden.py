"""Fingerprints of arrival times and of their batches: what a schedule sealed with an old result must still be.

A change of one of these makes every earlier result unreadable for the analysis: it is a commit of its own, and says
why.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.mmpp import Mmpp
from loadgen.model.arrivals.onoff import OnOff
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import NS_PER_S, OpenLoopProcess
from loadgen.model.arrivals.ramp import Ramp
from loadgen.model.arrivals.step import Step
from loadgen.model.arrivals.trace import Trace
from loadgen.model.batching import cut

TRACE = str(Path(__file__).with_name("trace.log"))
BURSTS: dict[str, Any] = {"on_rate_per_s": 400.0, "on_s": 0.5, "off_s": 1.5}

GOLDEN: list[tuple[OpenLoopProcess, int, int, int, list[int], str]] = [
    (Constant(rate_per_s=1000.0), 7, 0, 10000, [808579, 1808579, 2808579], "3092e5c9473bfc39"),
    (Constant(rate_per_s=0.3), 7, 3, 3, [1962824770, 5296158103, 8629491437], "c93e64196aba0455"),
    (Poisson(rate_per_s=1000.0), 7, 0, 10116, [1653284, 3282292, 4493108], "075efcce134903b2"),
    (Poisson(rate_per_s=1000.0), 7, 1, 9997, [1336080, 2011490, 2769399], "43ccfd43f10847e1"),
    (Poisson(rate_per_s=1000.0), 8, 0, 10070, [244298, 395118, 901494], "a8bae54eca93ddd6"),
    (Poisson(rate_per_s=0.5), 1, 99999, 7, [1081481144, 1292503102, 2296816851], "3922292a863bbb2d"),
    (OnOff(**BURSTS), 7, 0, 1084, [868943811, 873016330, 876043371], "15fcc0450f11e8a0"),
    (OnOff(**BURSTS, off_rate_per_s=2.0), 7, 1, 1766, [242485096, 244173620, 246068393], "96d5a71469ae9c89"),
    (OnOff(**BURSTS, times="fixed"), 7, 0, 993, [473597948, 477670468, 480697508], "bdbfc65898f874c2"),
    (
        Mmpp(states=((1.0, 5.0), (100.0, 1.0), (2000.0, 0.1))),
        7,
        0,
        706,
        [1653284745, 2886697904, 2898806066],
        "488c690fef3b48ab",
    ),
    (
        Ramp(from_rate_per_s=0.0, to_rate_per_s=500.0, over_s=8.0),
        7,
        0,
        3091,
        [230011112, 324088515, 379182652],
        "58dc1dc02eec9dbb",
    ),
    (
        Ramp(from_rate_per_s=500.0, to_rate_per_s=1.0, over_s=8.0),
        7,
        0,
        2070,
        [3307251, 6567275, 8991260],
        "e7698cb2f8af48e2",
    ),
    (
        Step(steps=((2.0, 100.0), (4.0, 0.0), (6.0, 900.0))),
        7,
        0,
        5630,
        [16532847, 32822926, 44931088],
        "77cc677f8172ec01",
    ),
    (Trace(path=TRACE), 7, 0, 326, [51776234, 56776234, 86776234], "46905f090b4a8fd5"),
    (Trace(path=TRACE, speed=0.3), 7, 1, 94, [193121166, 319787833, 359787833], "086b3775bf828c33"),
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
