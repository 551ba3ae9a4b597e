"""What every injected fault has: its kind and its instant.

A config's `[[faults]]` tables are decoded into these; the kind's own file holds its fields and what it does. A new
fault is one file beside this one and one line in `registry`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import psutil


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """One thing that goes wrong on purpose, `at_s` seconds after the trial's start (the warm-up's first instant)."""

    at_s: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]

    def inject(self, parts: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Makes it happen and gives what was done, for the trial's record.

        Args:
            parts: the running processes by part: the target's, and the swarm's.
        """
        raise TypeError(f"{type(self).__name__} must say what it does: override inject")


def kill(processes: Sequence[psutil.Process]) -> list[int]:
    """SIGKILL to each, by pid; gives those that were still there."""
    killed = []
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        killed.append(process.pid)
    return killed
