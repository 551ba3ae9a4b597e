"""What `caudal run` shows while it works: a live table of stages in a terminal, plain lines elsewhere, nothing if quiet.

What is shown of a moment is made in `live`, from the counters of swarm and recorder and the probes' samples: looking costs
the system nothing. What goes to standard output is only the run's end (verdict.py).
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from experiments.analysis.naming import cell_name
from experiments.cli.live import Stage, View, view
from experiments.cli.progress import Progress, waiting
from experiments.design.plan import Plan, Trial
from experiments.metrics.trial import TrialSummary
from experiments.running.trial import Moment

#: How often a screen that isn't a terminal gets a line.
_LINE_S: Final = 5.0

#: What a live table takes at the most: wider ones are hard to read on any terminal.
_MOST_COLUMNS: Final = 110


def cell_text(levels: dict[str, object]) -> str:
    """A cell's name on one line."""
    return cell_name(levels, equals="=", between="  ")


def trial_line(found: TrialSummary) -> str:
    """One finished trial."""
    if found.ledger is None:
        return f"FAILED   {found.failure}"
    mark = "valid  " if found.valid else "INVALID"
    rate = f"{found.carried_records_per_s or 0:>12,.0f} records/s"
    p99 = found.response_time_s.p99
    wait = "" if p99 is None else f"   p99 {p99 * 1e3:,.1f} ms"
    late = found.schedule_lag_s
    wait += "" if late is None else f"   swarm p99 {late.p99 * 1e3:.2f} ms late"
    return f"{mark} {found.outcome:<10} {rate}{wait}" + "".join(
        f"\n         {reason}" for reason in [*found.reasons, *filter(None, [found.failure])]
    )


def wide_console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for any table where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


class QuietScreen:
    """Shows nothing."""

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """See `Screen`."""
        return nullcontext()

    def begin(self, plan: Plan, done: int) -> None:
        """See `Screen`."""

    def trial(self, trial: Trial, position: int, total: int) -> None:
        """See `Screen`."""

    def moment(self, moment: Moment) -> None:
        """See `Screen`."""

    def again(self, trial: Trial, reasons: list[str]) -> None:
        """See `Screen`."""

    def ended(self, trial: Trial, found: TrialSummary) -> None:
        """See `Screen`."""

    def reporting(self, share: float, what: str) -> None:
        """See `Screen`."""

    def close(self) -> None:
        """There is nothing to give back."""


class LiveScreen:
    """A rich table in a terminal; without one, a line every few seconds."""

    def __init__(self, console: Console, first: Callable[[], None] = lambda: None) -> None:
        """`first`: called when the run is sure to begin, before anything of it is shown."""
        self._console = console
        self._first = first
        self._live: Live | None = None
        self._report: Progress | None = None
        self._title = ""
        self._cell = ""
        self._cells = 1
        self._expected_s = self._left_s = 0.0
        self._last: tuple[float, dict[str, int]] | None = None
        self._line_at = 0.0

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """See `Screen`."""
        return waiting(what, self._console)

    def begin(self, plan: Plan, done: int) -> None:
        """See `Screen`."""
        self._first()
        left = [trial for trial in plan.trials if trial.index >= done]
        self._cells = len(plan.cells)
        self._expected_s = plan.expected_s
        self._left_s = sum(trial.expected_s for trial in left)
        self._console.print(
            f"{len(plan.cells)} cells, {len(left)} trials to run, about {self._left_s / 60:.1f} minutes",
            highlight=False,
        )
        self._open()

    def _open(self) -> None:
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def trial(self, trial: Trial, position: int, total: int) -> None:
        """See `Screen`."""
        self._title = self._place(trial, position, total)
        self._cell = cell_text(trial.cell.levels)
        self._last = None
        self._line_at = time.monotonic() + _LINE_S
        if self._live is not None:
            self._live.update(
                Group(*self._head(), Text("starting broker, gateway, workers …"), *self._foot("starting", 0.0)),
                refresh=True,
            )

    def _place(self, trial: Trial, position: int, total: int) -> str:
        place = (
            f"cell {trial.cell.index + 1} of {self._cells}, replicate {trial.replicate + 1} of {total // self._cells}"
        )
        return f"trial {position + 1} of {total}   {place}"

    def moment(self, moment: Moment) -> None:
        """See `Screen`."""
        now = time.monotonic()
        if self._live is None and now < self._line_at:
            return
        counts = {name: moment.swarm[name] for name in moment.swarm.names} | {
            f"row_{name}": moment.rows[name] for name in moment.rows.names
        }
        before, last = self._last or (now, counts)
        self._last = (now, counts)
        shown = view(counts, last, now - before, moment.probes)
        if self._live is not None:
            self._live.update(
                Group(*self._head(), _table(shown.stages), *_below(shown), *self._foot(moment.phase, moment.elapsed_s)),
                refresh=True,
            )
        else:
            self._line_at = now + _LINE_S
            self._console.print(
                f"{self._title}   {self._cell}   {moment.phase}: {_line(shown)}; {self._time_left(moment.elapsed_s)}",
                highlight=False,
                soft_wrap=True,
            )

    def _head(self) -> list[Text]:
        return [Text(self._title, style="bold"), Text(self._cell, no_wrap=True, overflow="ellipsis")]

    def _foot(self, phase: str, elapsed_s: float) -> list[Table]:
        done = self._expected_s - self._left_s + elapsed_s
        bar = ProgressBar(total=self._expected_s, completed=min(done, self._expected_s), width=40)
        foot = Table.grid(padding=(0, 1))
        foot.add_row(bar, Text(f"{phase}; {self._time_left(elapsed_s)}", style="dim"))
        return [foot]

    def _time_left(self, elapsed_s: float) -> str:
        left = max(0.0, self._left_s - elapsed_s)
        return f"about {left / 60:.0f} min left" if left > 120 else f"about {left:.0f} s left"

    def again(self, trial: Trial, reasons: list[str]) -> None:
        """See `Screen`."""
        self._expected_s += trial.expected_s
        self._lasting(f"{cell_text(trial.cell.levels)}\n  again, because of {'; '.join(reasons)}")

    def ended(self, trial: Trial, found: TrialSummary) -> None:
        """See `Screen`."""
        self._left_s -= trial.expected_s
        self._lasting(f"{cell_text(trial.cell.levels)}\n  {trial_line(found)}")

    def _lasting(self, text: str) -> None:
        """What stays on the screen: broken between words in a terminal, and in a file not at all."""
        self._console.print(text, highlight=False, soft_wrap=not self._console.is_terminal)

    def reporting(self, share: float, what: str) -> None:
        """See `Screen`."""
        if self._report is None:
            self.close()
            self._report = Progress("writing the report", 1.0, self._console, clock_s=time.monotonic)
        self._report.at(share, what)

    def close(self) -> None:
        """Gives the terminal back."""
        for shown in (self._live, self._report):
            if shown is not None:
                shown.stop()
        self._live = self._report = None


def _table(stages: list[Stage]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("stage", no_wrap=True)
    table.add_column("records", no_wrap=True)
    table.add_column("rate", justify="right", min_width=11, no_wrap=True)
    table.add_column("CPUs", justify="right", no_wrap=True)
    table.add_column("waiting", no_wrap=True, overflow="ellipsis", max_width=_MOST_COLUMNS - 45)
    for one in stages:
        table.add_row(one.name, one.what, one.rate, one.cpus, one.waiting)
    return table


def _below(shown: View) -> list[Text]:
    return [
        Text(f"{title:<9}{text}", no_wrap=True, overflow="ellipsis")
        for title, text in (("ledger", shown.ledger), ("passage", shown.passage))
    ]


def _line(shown: View) -> str:
    stages = [" ".join(filter(None, (one.name, one.rate, one.waiting))) for one in shown.stages]
    return ", ".join([*stages, f"ledger {shown.ledger}", f"passage {shown.passage}"])
