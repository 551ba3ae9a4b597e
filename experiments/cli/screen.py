"""What `caudal run` shows while it works: a live table of stages in a terminal, plain lines elsewhere, nothing if quiet.

Rates are over the time since the last moment shown. What goes to standard output is only the run's end (verdict.py).
"""

import time
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from experiments.design.plan import Plan, Trial
from experiments.metrics.trial import TrialSummary
from experiments.trial import Moment

#: How often a screen that isn't a terminal gets a line.
_LINE_S: Final = 5.0


def cell_text(levels: dict[str, object]) -> str:
    """A cell's levels on one line, by the last part of each factor's name."""
    return "  ".join(f"{name.rpartition('.')[2]}={value}" for name, value in levels.items()) or "the only cell"


def trial_line(found: TrialSummary) -> str:
    """One finished trial."""
    if found.failure:
        return f"FAILED   {found.failure}"
    mark = "valid  " if found.valid else "INVALID"
    rate = f"{found.carried_records_per_s or 0:>12,.0f} records/s"
    p99 = found.response_time_s.p99
    wait = "" if p99 is None else f"   p99 {p99 * 1e3:,.1f} ms"
    late = found.schedule_lag_s
    wait += "" if late is None else f"   swarm p99 {late.p99 * 1e3:.2f} ms late"
    return f"{mark} {found.outcome:<10} {rate}{wait}" + "".join(f"\n         {reason}" for reason in found.reasons)


def wide_console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for any table where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


class QuietScreen:
    """Shows nothing."""

    def begin(self, plan: Plan, done: int) -> None:
        """See `Screen`."""

    def trial(self, trial: Trial, position: int, total: int) -> None:
        """See `Screen`."""

    def moment(self, moment: Moment) -> None:
        """See `Screen`."""

    def ended(self, trial: Trial, found: TrialSummary) -> None:
        """See `Screen`."""

    def close(self) -> None:
        """There is nothing to give back."""


class LiveScreen:
    """A rich table in a terminal; without one, a line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._title = ""
        self._begun = time.monotonic()
        self._left_s = 0.0
        self._last: tuple[float, dict[str, int]] | None = None
        self._line_at = 0.0

    def begin(self, plan: Plan, done: int) -> None:
        """See `Screen`."""
        left = [trial for trial in plan.trials if trial.index >= done]
        self._left_s = sum(trial.expected_s for trial in left)
        self._console.print(
            f"{len(plan.cells)} cells, {len(left)} trials to run, about {self._left_s / 60:.1f} minutes",
            highlight=False,
        )
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def trial(self, trial: Trial, position: int, total: int) -> None:
        """See `Screen`."""
        self._title = f"trial {position + 1} of {total}   {cell_text(trial.cell.levels)}"
        self._last = None
        self._line_at = time.monotonic() + _LINE_S
        if self._live is not None:
            self._live.update(
                Group(Text(self._title, style="bold"), Text("starting broker, gateway, workers …")), refresh=True
            )

    def moment(self, moment: Moment) -> None:
        """See `Screen`."""
        now = time.monotonic()
        counts = {name: moment.swarm[name] for name in moment.swarm.names} | {
            f"row_{name}": moment.rows[name] for name in moment.rows.names
        }
        before, last = self._last or (now, counts)
        span = now - before
        self._last = (now, counts)

        def rate(name: str) -> str:
            return f"{(counts[name] - last[name]) / span:,.0f}/s" if span > 0.05 else "…"

        rows = [
            ("agents", "cut", rate("cut_records"), f"{counts['cut_batches'] - counts['sent_batches']:,} unsent"),
            ("wire", "sent", rate("sent_records"), f"{counts['sent_batches'] - counts['acked_batches']:,} unanswered"),
            ("gateway", "acknowledged", rate("acked_records"), f"{counts['connected']:,} connections"),
            ("broker", "", "", f"{moment.counters['queued']:,} tasks queued, {moment.counters['unacked']:,} held"),
            ("workers", "analysed", rate("row_records"), f"{counts['row_hits']:,} hits"),
        ]
        if self._live is not None:
            self._live.update(self._table(moment, rows), refresh=True)
        elif now >= self._line_at:
            self._line_at = now + _LINE_S
            said = ", ".join(f"{stage} {text} {note}" for stage, _, text, note in rows)
            self._console.print(f"{self._title}   {moment.phase}: {said}", highlight=False, soft_wrap=True)

    def _table(self, moment: Moment, rows: list[tuple[str, str, str, str]]) -> Group:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for name in ("stage", "records"):
            table.add_column(name)
        table.add_column("rate", justify="right", min_width=14)
        table.add_column("waiting", justify="right")
        for row in rows:
            table.add_row(*row)
        bar = ProgressBar(total=moment.expected_s, completed=min(moment.elapsed_s, moment.expected_s), width=40)
        left = max(0.0, self._left_s - moment.elapsed_s)
        return Group(
            Text(self._title, style="bold"), table, bar, Text(f"{moment.phase}; about {left:.0f} s left", style="dim")
        )

    def ended(self, trial: Trial, found: TrialSummary) -> None:
        """See `Screen`."""
        self._left_s -= trial.expected_s
        self._console.print(f"{cell_text(trial.cell.levels)}\n  {trial_line(found)}", highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Gives the terminal back."""
        if self._live is not None:
            self._live.stop()
