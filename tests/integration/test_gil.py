"""Whether an engine's library releases the interpreter's lock while it scans: measured, for what a pool of threads can be.

One long scan runs in a thread; meanwhile this one notes when it gets to run. With the lock held it stands still for the
whole scan, on however many cores.
"""

import itertools
import re
import threading
import time
from collections.abc import Callable

import hyperscan
import pytest
import re2

#: No scan is judged that is shorter: the interpreter passes its lock on every 5 ms.
LEAST_S = 0.1

PATTERN = b"(?:union|select)[^x]*x[0-9]+secret"

Scan = Callable[[bytes], object]


def by_re() -> Scan:
    return re.compile(PATTERN).search


def by_re2() -> Scan:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    made = re2.Set.SearchSet(options)
    made.Add(PATTERN)
    made.Compile()
    return made.Match


def by_hyperscan() -> Scan:
    database = hyperscan.Database()
    database.compile(expressions=[PATTERN], flags=[hyperscan.HS_FLAG_SINGLEMATCH])
    return lambda text: database.scan(text, lambda *_: None)


def still_ratio(scan: Scan) -> float:
    """The longest time that another thread stood still during a scan, by the scan's length. 1: the lock was held."""
    text = b"union all of these lines that match nothing at all but keep the automaton busy enough x1s\n" * 4096
    while True:
        begun = time.perf_counter()
        scan(text)
        took = time.perf_counter() - begun
        if took >= LEAST_S:
            break
        text *= max(2, min(16, int(LEAST_S / max(took, 1e-6)) + 1))
    span: list[float] = []

    def run() -> None:
        span.append(time.perf_counter())
        scan(text)
        span.append(time.perf_counter())

    thread = threading.Thread(target=run)
    instants = [time.perf_counter()]
    thread.start()
    while thread.is_alive():
        instants.append(time.perf_counter())
    instants.append(time.perf_counter())
    inside = [one for one in instants if span[0] <= one <= span[1]]
    marks = [span[0], *inside, span[1]]
    return max(after - before for before, after in itertools.pairwise(marks)) / (span[1] - span[0])


def still_ratios(scan: Scan) -> list[float]:
    """Three of them: a busy machine takes one thread or the other off its core now and then."""
    return [still_ratio(scan) for _ in range(3)]


def test_re_holds_the_lock_for_the_whole_scan() -> None:
    """Also the plant: what is said of the other two below would be seen to fail here."""
    assert max(still_ratios(by_re())) > 0.9


@pytest.mark.parametrize("engine", [by_re2, by_hyperscan])
def test_re2_and_hyperscan_release_it(engine: Callable[[], Scan]) -> None:
    assert min(still_ratios(engine())) < 0.5
