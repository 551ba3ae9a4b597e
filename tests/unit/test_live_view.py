"""The live view: rates from two moments, CPUs and queues from the probes' samples, the ledger and quantiles so far."""

import io
import re
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console

from experiments.cli import screen as screen_module
from experiments.cli.live import view
from experiments.cli.screen import LiveScreen
from experiments.design.experiment import Cell
from experiments.design.plan import Plan, Trial
from experiments.probes.probe import Reading
from experiments.probes.sampler import Sample
from experiments.running.trial import Moment
from loadgen.passage import BUCKETS, passages, quantile_s
from loadgen.progress import RECORDER, SWARM

S = 1_000_000_000


class Counters(dict[str, int]):
    """As much of a Progress as the screen looks at."""

    def __init__(self, names: tuple[str, ...], **more: int) -> None:
        super().__init__(dict.fromkeys(names, 0) | more)
        self.names = names


def counts(**more: int) -> dict[str, int]:
    return {**Counters(SWARM), **{f"row_{name}": 0 for name in RECORDER}, **more}


def processes(at_s: float, **cpu_s: float) -> Sample:
    return Sample(round(at_s * S), [Reading(part, "cpu_s", value) for part, value in cpu_s.items()])


PROBES = {
    "processes": (
        processes(10, swarm=1.0, gateway=2.0, broker=0.0, worker_parents=1.0, worker_children=5.0),
        processes(12, swarm=1.5, gateway=2.1, broker=0.0, worker_parents=1.5, worker_children=8.0),
    ),
    "queue": (
        None,
        Sample(12 * S, [Reading("broker", name, value) for name, value in
                        (("queued_tasks", 1234), ("held_tasks", 8), ("pending_batches", 9), ("waiting_rows", 5))]),
    ),
}  # fmt: skip


def test_rates_are_growth_over_the_time_between_two_moments() -> None:
    before, now = counts(cut_records=1000, row_records=500), counts(cut_records=3000, row_records=1500)
    stages = {one.name: one for one in view(now, before, 0.5, PROBES).stages}
    assert (stages["agents"].rate, stages["workers"].rate, stages["gateway"].rate) == ("4,000/s", "2,000/s", "0/s")
    assert view(now, now, 0.0, {}).stages[0].rate == "…"


def test_cpus_and_queues_are_the_probes() -> None:
    stages = {one.name: one for one in view(counts(), counts(), 1.0, PROBES).stages}
    assert [stages[name].cpus for name in ("agents", "gateway", "broker", "workers")] == [
        "0.25",
        "0.05",
        "0.00",
        "1.75",
    ]
    assert stages["broker"].waiting == "1,234 tasks queued, 8 held; 5 rows"


@pytest.mark.parametrize("probes", [{}, {"processes": (None, processes(1, gateway=2.0))}])
def test_what_no_probe_has_read_is_a_dash_and_no_zero(probes: Any) -> None:
    stages = {one.name: one for one in view(counts(), counts(), 1.0, probes).stages}
    assert stages["gateway"].cpus == "–"
    assert stages["broker"].waiting == "– tasks queued, – held; – rows"


def test_the_ledger_so_far_tells_what_went_wrong_only_if_it_did() -> None:
    now = counts(cut_batches=100, sent_batches=95, acked_batches=90, row_batches=70)
    assert view(now, now, 1.0, {}).ledger == "100 batches cut, 90 acknowledged, 70 analysed, 20 open"
    now |= {"row_dead_batches": 2, "overflowed_batches": 3}
    shown = view(now, now, 1.0, {})
    assert shown.ledger == "100 batches cut, 90 acknowledged, 70 analysed, 3 overflowed, 2 dead, 18 open"
    assert shown.stages[0].waiting == "2 batches unsent"


def test_a_quantile_is_at_most_nine_percent_above_the_true_one() -> None:
    rng = np.random.default_rng(3)
    took = np.exp(rng.uniform(np.log(1e5), np.log(5e11), 2000)).astype(np.int64)
    records = rng.integers(1, 100, 2000)
    received = rng.integers(1, 10**15, 2000)
    counted = passages(received, received + took, records)
    assert counted.sum() == records.sum()
    each = np.sort(np.repeat(took, records)) / 1e9
    for q in (0.5, 0.9, 0.99, 0.999):
        true = each[int(np.ceil(q * len(each))) - 1]
        found = quantile_s(counted, q)
        assert found is not None
        assert 1.0 <= found / true < 1.091


def test_times_out_of_range_and_unknown_ones_do_no_harm() -> None:
    received = np.array([5, 5, 5, 0, 7])
    scanned = np.array([3, 5 + 10**15, 6, 9, 0])
    counted = passages(received, scanned, np.array([1, 2, 3, 4, 5]))
    assert (counted[0], counted[-1], counted.sum()) == (4, 2, 6)
    assert quantile_s(np.zeros(len(BUCKETS), np.int64), 0.5) is None


def test_the_view_shows_the_quantiles() -> None:
    now = counts() | {f"row_{BUCKETS[80]}": 10}
    assert view(now, now, 1.0, {}).passage == "p50 ≤ 102 ms, p90 ≤ 102 ms, p99 ≤ 102 ms (gateway to scan's end)"


def shown_on(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trial of six with two moments, 10 s apart."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(screen_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    cells = tuple(Cell(index=n, levels={"system.engine": name}) for n, name in enumerate(("re", "a name " * 20, "x")))
    trial = cast(Trial, SimpleNamespace(index=0, cell=cells[1], replicate=0, expected_s=20.0))
    plan = cast(Plan, SimpleNamespace(cells=cells, trials=[trial] * 6, expected_s=120.0))
    screen = LiveScreen(console)
    screen.begin(plan, 0)
    screen.trial(trial, 0, 6)
    for turn in (1, 2):
        clock.now += 10.0
        swarm = Counters(
            SWARM, cut_records=1_234_567_890 * turn, cut_batches=12_345_678 * turn, acked_batches=12_345_600
        )
        rows = Counters(RECORDER, batches=12_345_000, **{BUCKETS[120]: 5})
        screen.moment(Moment("measuring", 5.0, 20.0, cast(Any, swarm), cast(Any, rows), PROBES))
    screen.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 24)])
def test_the_live_table_fits_the_terminal(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=size[0], height=size[1], color_system=None)
    shown_on(console, monkeypatch)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.getvalue()).replace("\r", "\n").splitlines()
    assert max(map(len, lines)) <= size[0]
    text = "\n".join(lines)
    assert "trial 1 of 6   cell 2 of 3, replicate" in text
    if size[0] >= 80:
        for said in (
            "123,456,789/s",
            "1.75",
            "8 held; 5 rows",
            "12,345,000 analysed",
            "p99 ≤ 3,277 ms",
            "about 115 s left",
        ):
            assert said in text, text


def test_where_there_is_no_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    shown_on(Console(file=written, force_terminal=False, width=80), monkeypatch)
    first, *lines = written.getvalue().splitlines()
    assert first == "3 cells, 6 trials to run, about 2.0 minutes"
    assert len(lines) == 2
    assert "\x1b" not in written.getvalue()
    for said in (
        "trial 1 of 6",
        "measuring",
        "123,456,789/s",
        "8 held",
        "analysed",
        "p99 ≤ 3,277 ms",
        "about 115 s left",
    ):
        assert said in lines[1]


@pytest.mark.parametrize(("terminal", "said"), [(False, "50 %, figure stages, about 10 s left"), (True, "50 %")])
def test_after_the_last_trial_the_report_has_its_own_time_left(
    terminal: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(screen_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    written = io.StringIO()
    screen = LiveScreen(Console(file=written, force_terminal=terminal, width=100))
    screen.reporting(0.1, "trial 1 of 9")
    assert written.getvalue() == ""
    clock.now += 10.0
    screen.reporting(0.5, "figure stages")
    screen.close()
    assert "writing the report" in written.getvalue()
    assert said in written.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_finished_trial_is_broken_between_words_in_a_terminal_and_nowhere_else(terminal: bool) -> None:
    written = io.StringIO()
    screen = LiveScreen(Console(file=written, force_terminal=terminal, width=40, color_system=None))
    levels = {"system.engine": "hyperscan", "swarm.batch_size": 1000, "system.worker_cores": "all"}
    trial = cast(Trial, SimpleNamespace(cell=Cell(index=0, levels=levels), expected_s=20.0))
    screen.again(trial, ["the swarm was late"])
    lines = written.getvalue().splitlines()
    assert len(lines) == (3 if terminal else 2)
    assert any("worker_cores=all" in line for line in lines)
    assert not terminal or max(map(len, lines)) <= 40
