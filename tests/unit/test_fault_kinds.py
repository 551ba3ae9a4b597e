"""Faults: whom each one kills, and what it says it did."""

import signal
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import psutil
import pytest

from experiments.faults.fault import Fault, kill
from experiments.faults.kill_broker import KillBroker
from experiments.faults.kill_worker_child import KillWorkerChild
from experiments.faults.kill_worker_node import KillWorkerNode
from experiments.faults.registry import BUILT_IN, FAULTS, GROUP, AnyFault
from experiments.faults.stall import Stall
from loadgen.model.kinds import collect


class Victim:
    """A process that notes that it was killed, or is gone already."""

    def __init__(self, pid: int, *, gone: bool = False) -> None:
        self.pid = pid
        self.killed = False
        self._gone = gone

    def kill(self) -> None:
        if self._gone:
            raise psutil.NoSuchProcess(self.pid)
        self.killed = True


class Node:
    """A worker node: its parent process, then its children."""

    def __init__(self, *processes: Victim) -> None:
        self.processes = list(processes)
        self.begun_again = 0

    def again(self) -> None:
        assert all(one.killed for one in self.processes)
        self.begun_again += 1

    def tree(self) -> list[Victim]:
        return self.processes


def nodes() -> tuple[list[Victim], dict[str, list[Any]]]:
    """Two nodes, 10 with children 11 and 12, 20 with children 21 and 22, beside a gateway that nothing may touch."""
    every = [Victim(pid) for pid in (10, 11, 12, 20, 21, 22, 99)]
    return every, {"workers": [Node(*every[:3]), Node(*every[3:6])], "gateway": [Node(every[6])]}


@pytest.mark.parametrize(
    ("fault", "pids"),
    [
        (KillWorkerChild(at_s=1.0), [11]),
        (KillWorkerChild(at_s=1.0, count=3), [11, 12, 21]),
        (KillWorkerChild(at_s=1.0, count=50), [11, 12, 21, 22]),
        (KillWorkerNode(at_s=1.0), [20, 21, 22]),
        (KillWorkerNode(at_s=1.0, count=2), [10, 11, 12, 20, 21, 22]),
        (KillWorkerNode(at_s=1.0, count=50), [10, 11, 12, 20, 21, 22]),
    ],
)
def test_a_fault_kills_whom_it_names_and_nobody_else(fault: Fault, pids: list[int]) -> None:
    every, parts = nodes()
    assert fault.inject(parts) == {"killed_pids": pids}
    assert [victim.pid for victim in every if victim.killed] == pids


def test_the_broker_is_killed_and_then_started_again() -> None:
    broker, gateway = Node(Victim(10)), Node(Victim(99))
    assert KillBroker(at_s=1.0).inject({"broker": [broker], "gateway": [gateway]}) == {"killed_pids": [10]}
    assert (broker.begun_again, gateway.begun_again) == (1, 0)
    assert not gateway.processes[0].killed


def test_a_process_that_is_gone_already_was_not_killed() -> None:
    assert kill([Victim(1, gone=True), Victim(2)]) == [2]  # type: ignore[list-item]


def test_a_node_that_is_gone_has_no_children_to_kill() -> None:
    assert KillWorkerChild(at_s=0.0).inject({"workers": [Node()]}) == {"killed_pids": []}


def test_every_kind_says_what_it_does_and_is_found_by_its_name() -> None:
    for kind in FAULTS:
        assert kind.inject is not Fault.inject
        name = kind.__struct_config__.tag
        assert type(msgspec.convert({"kind": name, "at_s": 1.0}, AnyFault)) is kind


def test_a_kind_without_a_deed_is_refused() -> None:
    with pytest.raises(TypeError, match="Fault must say what it does: override inject"):
        Fault(at_s=0.0).inject({})


class Quake(Fault, tag="quake"):
    """What another package offers."""


def test_an_installed_package_adds_a_fault() -> None:
    point = EntryPoint("quake", f"{__name__}:Quake", GROUP)
    assert collect(Fault, GROUP, BUILT_IN, [point]) == (*BUILT_IN, Quake)


def test_an_entry_point_that_is_no_fault_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(caudal.faults\) must name a subclass of Fault"):
        collect(Fault, GROUP, BUILT_IN, [EntryPoint("n", f"{__name__}:Victim", GROUP)])


class Halted(Victim):
    """A process that notes what it was sent."""

    def __init__(self, pid: int, *, gone: bool = False) -> None:
        super().__init__(pid, gone=gone)
        self.sent: list[int] = []

    def send_signal(self, number: int) -> None:
        if self._gone:
            raise psutil.NoSuchProcess(self.pid)
        self.sent.append(number)


def test_a_stall_stops_all_of_a_part_and_lets_it_go_on_after_its_time() -> None:
    parent, child, gone, gateway = Halted(10), Halted(11), Halted(12, gone=True), Halted(99)
    done = Stall(at_s=1.0, for_s=0.05).inject({"workers": [Node(parent, child, gone)], "gateway": [Node(gateway)]})
    assert parent.sent == child.sent == [signal.SIGSTOP, signal.SIGCONT]
    assert gateway.sent == []
    assert done["stalled_pids"] == [10, 11, 12]
    assert done["end_mono_ns"] - done["begin_mono_ns"] >= 50_000_000
