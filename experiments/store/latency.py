"""Histograms beside the tables, in the HdrHistogram log format (V2, compressed), which its public tools read.

    latency/trial-0007.hlog           one interval: the measured window
    latency/trial-0007-seconds.hlog   one interval a second of it

Values are nanoseconds, the interval's maximum in the log is in milliseconds, times are seconds since the load's start.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from hdrh.log import HistogramLogWriter

FOLDER: Final = "latency"
_NS_PER_MS: Final = 1e6

#: (begin_s, end_s, histogram) of each.
Intervals: TypeAlias = Sequence[tuple[float, float, Any]]


def write(path: Path, intervals: Intervals) -> None:
    """Writes a log of (begin_s, end_s, histogram)."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        log = HistogramLogWriter(file)
        log.output_comment("[Caudal: response times in ns; 3 significant digits, so at most 0.1 % off]")
        log.output_log_format_version()
        log.output_legend()
        for begin_s, end_s, histogram in intervals:
            histogram.set_start_time_stamp(begin_s * 1e3)
            histogram.set_end_time_stamp(end_s * 1e3)
            log.output_interval_histogram(histogram, max_value_unit_ratio=_NS_PER_MS)
