"""The faults a config may name in `[[faults]]`. A new one is its own file, its import and its name in `BUILT_IN`.

Those that installed packages offer come after them: entry points of the group "caudal.faults", each the object reference of
one subclass of `Fault`.
"""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Union

from experiments.faults.fault import Fault
from experiments.faults.kill_broker import KillBroker
from experiments.faults.kill_worker_child import KillWorkerChild
from experiments.faults.kill_worker_node import KillWorkerNode
from experiments.faults.reconnect_storm import ReconnectStorm
from experiments.faults.stall import Stall
from loadgen.model.kinds import collect

#: The entry-point group of other packages' faults.
GROUP = "caudal.faults"

#: The faults of this project, in the order the documentation lists them.
BUILT_IN: tuple[type[Fault], ...] = (KillBroker, KillWorkerChild, KillWorkerNode, ReconnectStorm, Stall)

#: Every kind of fault.
FAULTS = collect(Fault, GROUP, BUILT_IN, entry_points(group=GROUP))

if TYPE_CHECKING:
    AnyFault = Fault
else:
    #: What a `[[faults]]` table decodes into: the union of FAULTS, told apart by `kind`.
    AnyFault = Union[FAULTS]  # noqa: UP007  (a union made at run time)
