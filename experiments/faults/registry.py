"""The faults a config may name in `[[faults]]`. A new one is its own file, its import and its name in `FAULTS`."""

from typing import TYPE_CHECKING, Union

from experiments.faults.fault import Fault
from experiments.faults.kill_worker_child import KillWorkerChild
from experiments.faults.kill_worker_node import KillWorkerNode
from experiments.faults.reconnect_storm import ReconnectStorm

#: Every kind of fault, in the order the documentation lists them.
FAULTS: tuple[type[Fault], ...] = (KillWorkerChild, KillWorkerNode, ReconnectStorm)

if TYPE_CHECKING:
    AnyFault = Fault
else:
    #: What a `[[faults]]` table decodes into: the union of FAULTS, told apart by `kind`.
    AnyFault = Union[FAULTS]  # noqa: UP007  (a union made at run time)
