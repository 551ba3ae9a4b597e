"""Probe `memory`: resident memory of each part with shared pages counted once, at the window's two ends.

Figures: `proportional_bytes` (PSS: a page shared by n processes counts 1/n for each) and `unshared_bytes` (USS). Prefork
children share most of their parent's pages, so that the sum of their RSS says little. The kernel walks every page, which
is too dear for each second. Source: proc(5), smaps_rollup.
"""

import math
from collections import defaultdict

from experiments.probes import procfs
from experiments.probes.parts import members, trees
from experiments.probes.probe import Reading, Watched


class MemoryProbe:
    """See the module."""

    name = "memory"
    least_period_s = math.inf

    def __init__(self, watched: Watched) -> None:
        self.missing: dict[str, str] = {}
        self._watched = watched

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        for tree in trees(self._watched):
            for pid, part in members(tree):
                try:
                    one = procfs.resident_share(pid)
                except procfs.GONE:
                    continue
                except PermissionError:
                    self.missing[f"{part}.proportional_bytes"] = "/proc/PID/smaps_rollup is closed to this user"
                    continue
                found[part, "proportional_bytes"] += one.pss_bytes
                found[part, "unshared_bytes"] += one.uss_bytes
        return [Reading(part, figure, value) for (part, figure), value in found.items()]

    def close(self) -> None:
        """Holds nothing."""
