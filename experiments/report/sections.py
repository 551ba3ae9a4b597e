"""The sections of report.html, in their order. A new one is a function of a view that yields HTML, and a line here."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from experiments.report import account, load, origin, response
from experiments.report.batching import batching_section
from experiments.report.capacity import capacity_section
from experiments.report.cost import cost_section
from experiments.report.hypotheses import hypotheses_section
from experiments.report.scaling import scaling_section
from experiments.report.steps import steps_section
from experiments.report.view import View, figure, name


class Section(NamedTuple):
    """A heading, and what stands under it; a section that yields nothing has no heading either."""

    title: str
    make: Callable[[View], Iterator[str]]


def _steps(view: View) -> Iterator[str]:
    yield figure(view, "ablation", "From the first cell to the last, one change a step.")
    yield from steps_section(view.summary.steps, view.summary.cells)


def _cost(view: View) -> Iterator[str]:
    yield figure(view, "cost", "CPU time of a record by part of the system.")
    yield from cost_section(view.summary.trials, {trial.index: name(trial) for trial in view.summary.trials})


#: Below the verdict.
SECTIONS: Final = (
    Section("Hypotheses", hypotheses_section),
    Section("Capacity", lambda view: capacity_section(view.summary.capacity)),
    Section("Throughput", load.throughput),
    Section("Scaling", scaling_section),
    Section("Steps", _steps),
    Section("Offered and carried load, trial by trial", load.offered),
    Section("Response time", response.response),
    Section("Response time by stage", response.stages),
    Section("Batching, predicted and measured", lambda view: batching_section(view.summary.cells)),
    Section("Ledger (records)", account.ledger),
    Section("Detections", account.detections),
    Section("Cost of a record, by stage", _cost),
    Section("Machine", origin.machine),
    Section("Run it again", origin.again),
)
