"""The arrival processes that a config's `[swarm.arrivals]` can name by `kind`.

The built-in ones, then those that installed packages offer as entry points of the group "caudal.arrivals" (each the
object reference of one subclass of `ArrivalProcess`). A config struct annotates its field with `Arrivals`, and msgspec
chooses.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
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


def kind_of(process: type[ArrivalProcess]) -> str:
    """Gives the `kind` under which a config names the process."""
    return str(process.__struct_config__.tag)


def collect(
    built_in: Iterable[type[ArrivalProcess]], offered: Iterable[EntryPoint]
) -> tuple[type[ArrivalProcess], ...]:
    """Gives the built-in processes and the offered ones, in that order.

    Raises:
        ValueError: an entry point isn't an arrival process, or a `kind` is offered twice (msgspec couldn't tell them
        apart).
    """
    processes = {kind_of(process): process for process in built_in}
    for point in offered:
        process = point.load()
        if not (isinstance(process, type) and issubclass(process, ArrivalProcess)):
            raise ValueError(
                f"entry point {point.name!r} ({GROUP}) must name a subclass of ArrivalProcess, got {point.value};"
                " correct or uninstall the package that offers it"
            )
        kind = kind_of(process)
        if processes.setdefault(kind, process) is not process:
            raise ValueError(
                f"entry point {point.name!r} ({GROUP}) must offer a new kind, got {kind!r} ({point.value});"
                " there is one already: give the class another tag"
            )
    return tuple(processes.values())


#: Every process there is.
PROCESSES = collect(BUILT_IN, entry_points(group=GROUP))

if TYPE_CHECKING:
    Arrivals = Constant | Poisson | OnOff | Mmpp | Ramp | Step | Trace | Saturate | Drain
else:
    #: The type of a config's `arrivals` field: decoded by `kind` to one of PROCESSES.
    Arrivals = Union[PROCESSES]  # noqa: UP007  (a union made at run time)
