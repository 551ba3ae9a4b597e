"""Records committed in each bin of a window, whatever its length."""

import numpy as np
import pytest

from experiments.metrics.response import Done
from experiments.metrics.throughput import committed_a_bin

HOUR_NS = 3600 * 10**9


@pytest.mark.parametrize("window_ns", [2 * 10**9, 10**9 + 7, 8 * HOUR_NS, 24 * HOUR_NS, 270 * HOUR_NS])
def test_a_commit_falls_into_its_bin(window_ns: int) -> None:
    """Nanoseconds times bins overflow 64 bits from 8.4 hours on."""
    begin = 5 * 10**9
    counts, window_s = committed_a_bin(done([begin]), (begin, begin + window_ns))
    bins = len(counts)
    at = [
        0,
        *(-(-place * window_ns // bins) + off for place in (1, bins // 2, bins - 1) for off in (-1, 0)),
        window_ns - 1,
    ]
    counts, _ = committed_a_bin(done([begin + one for one in at]), (begin, begin + window_ns))
    assert window_s == window_ns / 1e9
    assert counts.sum() == len(at)
    assert np.repeat(np.arange(bins), counts.astype(int)).tolist() == sorted(one * bins // window_ns for one in at)


def done(committed_mono_ns: list[int]) -> Done:
    size = len(committed_mono_ns)
    return Done(columns={"committed_mono_ns": np.array(committed_mono_ns), "count": np.ones(size, np.int64)})
