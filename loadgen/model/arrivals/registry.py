"""The arrival processes that a config's `[swarm.arrivals]` can name by `kind`.

The built-in ones, then those that installed packages offer as entry points of the group "caudal.arrivals" (each the
object reference of one subclass of `ArrivalProcess`). A config struct annotates its field with `Arrivals`, and msgspec
chooses.
"""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Union

from loadgen.model.arrivals.constant import Constant
from loadgen.model.arrivals.drain import Drain
from loadgen.model.arrivals.mmpp import Mmpp
from loadgen.model.arrivals.onoff import OnOff
from loadgen.model.arrivals.poisson import Poisson
from loadgen.model.arrivals.process import ArrivalProcess
from loadgen.model.arrivals.ramp import Ramp
from loadgen.model.arrivals.saturate import Saturate
from loadgen.model.arrivals.step import Step
from loadgen.model.arrivals.trace import Trace
from loadgen.model.kinds import collect

#: The entry-point group of other packages' processes.
GROUP = "caudal.arrivals"

#: A new built-in process: one file beside this one, and one line here.
BUILT_IN: tuple[type[ArrivalProcess], ...] = (
    Constant,
    Poisson,
    OnOff,
    Mmpp,
    Ramp,
    Step,
    Trace,
    Saturate,
    Drain,
)


#: Every process there is.
PROCESSES = collect(ArrivalProcess, GROUP, BUILT_IN, entry_points(group=GROUP))

if TYPE_CHECKING:
    Arrivals = Constant | Poisson | OnOff | Mmpp | Ramp | Step | Trace | Saturate | Drain
else:
    #: The type of a config's `arrivals` field: decoded by `kind` to one of PROCESSES.
    Arrivals = Union[PROCESSES]  # noqa: UP007  (a union made at run time)
