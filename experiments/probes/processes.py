"""Probe `processes`: CPU time, context switches, read and write calls and resident memory of every part, from /proc.

Figures: `cpu_s`, `voluntary_switches`, `involuntary_switches`, `read_write_calls` (counters), `resident_bytes` (now).
What ended is not forgotten: CPU time of what was waited for comes back through the parent; of context switches and calls
the last sample stands, so what a process did in its last second may be missing.
"""

from collections import defaultdict

from experiments.probes import procfs
from experiments.probes.parts import Tree, members, trees
from experiments.probes.probe import Reading, Watched


class ProcessesProbe:
    """See the module."""

    name = "processes"
    least_period_s = 1.0

    def __init__(self, watched: Watched) -> None:
        self.missing: dict[str, str] = {}
        self._watched = watched
        #: (root, figure, part) -> the counter when last seen.
        self._seen: dict[tuple[int, str, str], float] = {}
        #: (root, part, process, thread) -> its switches when last seen.
        self._threads: dict[tuple[int, str, int, int], procfs.Switches] = {}
        #: (root, process) -> the calls of a descendant when last seen; root -> those of descendants that are gone.
        self._calls: dict[tuple[int, int], int] = {}
        self._calls_of_gone: dict[int, int] = defaultdict(int)

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        resident: dict[str, int] = defaultdict(int)
        for tree in trees(self._watched):
            try:
                self._cpu(tree)
                self._switches(tree)
                self._read_write_calls(tree)
            except procfs.GONE:
                continue  # it ended while it was read: what was seen of it before stands
            for pid, part in members(tree):
                try:
                    resident[part] += procfs.resident_bytes(pid)
                except procfs.GONE:
                    continue
        totals: dict[tuple[str, str], float] = defaultdict(float)
        for (_, figure, part), value in self._seen.items():
            totals[part, figure] += value
        for (_, part, _, _), switches in self._threads.items():
            totals[part, "voluntary_switches"] += switches.voluntary
            totals[part, "involuntary_switches"] += switches.involuntary
        return [
            *(Reading(part, figure, value) for (part, figure), value in totals.items()),
            *(Reading(part, "resident_bytes", value) for part, value in resident.items()),
        ]

    def _note(self, tree: Tree, figure: str, own: float, below: float) -> None:
        """A tree's counter; never below what was seen before, as when a process ends between two reads."""
        shares = {tree.part: own}
        shares[tree.below_part] = shares.get(tree.below_part, 0.0) + below
        for part, value in shares.items():
            key = (tree.root, figure, part)
            self._seen[key] = max(value, self._seen.get(key, 0.0))

    def _cpu(self, tree: Tree) -> None:
        # The root first: a child that is reaped meanwhile would stand in its parent's sum too, and twice for good.
        root = procfs.cpu(tree.root)
        below = 0.0
        for pid in tree.below:
            try:
                one = procfs.cpu(pid)
            except procfs.GONE:
                continue
            below += one.own_s + one.reaped_s
        # The runner's reaped children are other parts of this trial, or of an earlier one.
        self._note(tree, "cpu_s", root.own_s, below + root.reaped_s if tree.part != "runner" else 0.0)

    def _switches(self, tree: Tree) -> None:
        for pid, part in members(tree):
            try:
                for tid in procfs.threads(pid):
                    self._threads[tree.root, part, pid, tid] = procfs.switches(pid, tid)
            except procfs.GONE:
                continue

    def _read_write_calls(self, tree: Tree) -> None:
        """The kernel adds the calls of a process that was waited for to its parent's; here they stay with its part."""
        root = tree.root
        try:
            own = procfs.read_write_calls(root)
            for pid in tree.below:
                try:
                    self._calls[root, pid] = procfs.read_write_calls(pid)
                except procfs.GONE:
                    continue
        except PermissionError:
            self.missing["read_write_calls"] = "/proc/PID/io is closed to this user"
            return
        for gone in [pid for at, pid in self._calls if at == root and pid not in tree.below]:
            self._calls_of_gone[root] += self._calls.pop((root, gone))
        of_gone = self._calls_of_gone[root]
        living = sum(calls for (at, _), calls in self._calls.items() if at == root)
        self._note(tree, "read_write_calls", own - of_gone, living + of_gone)

    def close(self) -> None:
        """Holds nothing."""
