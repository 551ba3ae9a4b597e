"""The probes there are, by name. A new one is one new file and one line here, or an installed package's entry point.

Invariant: whatever stands here passes `tests/conformance/test_probes.py`.
"""

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Final

from experiments.probes.broker import BrokerProbe
from experiments.probes.memory import MemoryProbe
from experiments.probes.probe import Builder
from experiments.probes.processes import ProcessesProbe
from experiments.probes.queue import QueueProbe
from experiments.probes.syscalls import SyscallsProbe
from experiments.probes.wire import WireProbe

#: The probes of this project.
PROBES: Final[dict[str, Builder]] = {
    "queue": QueueProbe,
    "processes": ProcessesProbe,
    "broker": BrokerProbe,
    "wire": WireProbe,
    "memory": MemoryProbe,
    "syscalls": SyscallsProbe,
}

#: Those that a trial has unless it is told otherwise: all but `syscalls`, which slows every system call of the machine.
DEFAULT: Final = ("queue", "processes", "broker", "wire", "memory")

#: Entry-point group under which an installed package offers further builders.
GROUP: Final = "caudal.probes"


def known() -> tuple[str, ...]:
    """The names that a config may give."""
    return tuple(dict.fromkeys((*PROBES, *sorted(entry_points(group=GROUP).names))))


def builders(names: Iterable[str]) -> dict[str, Builder]:
    """The builders of these probes. Raises: KeyError for an unknown name; a config that has one is refused before."""
    offered = entry_points(group=GROUP)
    return {name: PROBES[name] if name in PROBES else offered[name].load() for name in names}
