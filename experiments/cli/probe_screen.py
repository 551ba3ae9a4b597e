"""What `caudal capacity` shows while it works: what `caudal run` shows of a trial, and each probe's verdict as it comes."""

from rich.console import Console

from experiments.analysis.capacity import ProbeFound
from experiments.cli.screen import LiveScreen, QuietScreen
from experiments.design.plan import Trial
from experiments.metrics.trial import TrialSummary


def probe_line(probe: ProbeFound) -> str:
    """One probe: its load, its verdict, and why."""
    return f"{probe.load_records_per_s:>14,.0f} records/s  {probe.word:<12}  {probe.why}"


class ProbeScreen(LiveScreen):
    """How many probes are to come is a guess that each verdict may change."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._begun = False

    def ahead(self, probe: int, expected: int, expected_s: float) -> None:
        """See `SearchScreen`."""
        if not self._begun:
            self._begun = True
            self._console.print(
                f"about {expected} probes, {expected_s / 60:.0f} minutes, if none errs; near the edge some do",
                highlight=False,
            )
            self._open()
        spent_s = self._expected_s - self._left_s
        self._left_s, self._expected_s = expected_s, spent_s + expected_s

    def _place(self, trial: Trial, position: int, total: int) -> str:
        return f"probe {position + 1} of about {total}"

    def ended(self, trial: Trial, found: TrialSummary) -> None:
        """See `Screen`. The line is that of the probe."""
        self._left_s -= trial.expected_s

    def judged(self, probe: ProbeFound) -> None:
        """See `SearchScreen`."""
        self._console.print(probe_line(probe), highlight=False, soft_wrap=True)


class QuietProbeScreen(QuietScreen):
    """Shows nothing."""

    def ahead(self, probe: int, expected: int, expected_s: float) -> None:
        """See `SearchScreen`."""

    def judged(self, probe: ProbeFound) -> None:
        """See `SearchScreen`."""
