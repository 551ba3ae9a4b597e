"""summary.json and report.html: computed from sealed raw data alone, the same bytes each time."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.analysis.findings import findings
from experiments.analysis.summary import Summary, summary
from experiments.cli.main import main
from experiments.metrics.trial import summarise
from experiments.plots.registry import PLOTS
from experiments.report.page import page, rebuild, write_report
from experiments.store.run import RunFolder
from loadgen.model.arrivals.constant import Constant
from tests import made
from tests.made_trial import Made, trial

#: Two cells of five trials each; the trials differ in their rate by a percent or two.
CELLS = ({"system.engine": "re"}, {"system.engine": "<hyper&scan>"})
RATES = (100.0, 102.0, 99.0, 101.0, 103.0)

MANIFEST: dict[str, Any] = {
    "experiment": {
        "name": "tiny",
        "question": 'Is "a" < b & c?',
        "cells": [{"index": place, "levels": levels} for place, levels in enumerate(CELLS)],
    },
    "trials_planned": 10,
    "commit": "abc123",
    "dirty": True,
    "command": "caudal run tiny --set 'a=\"<x>\"'",
    "machine": {"cpu_model": "made <up>", "cores": 2},
}


def placed(one: Made, index: int) -> Made:
    return one.with_record(index=index, block=index // 2, cell_index=index % 2, cell=CELLS[index % 2])


def write(folder: Path, *trials: Made, **manifest: Any) -> RunFolder:
    run = RunFolder.create(folder / "tiny" / "run-1", {**MANIFEST, **manifest})
    for index, one in enumerate(trials):
        run.add(placed(one, index).record, one.tables)
    rebuild(run, formats=("svg",))
    run.seal()
    return run


def ten() -> list[Made]:
    return [trial(Constant(rate_per_s=rate)) for rate in RATES for _ in CELLS]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write(tmp_path_factory.mktemp("run"), *ten())


def files(run: RunFolder) -> dict[str, bytes]:
    made = [path for path in run.path.rglob("*") if path.suffix in (".svg", ".csv")]
    return {
        str(p.relative_to(run.path)): p.read_bytes()
        for p in (*made, run.path / "summary.json", run.path / "report.html")
    }


def test_who_watches_a_rebuild_is_told_each_trial_and_figure_and_what_share_is_done(sealed: RunFolder) -> None:
    told: list[tuple[float, str]] = []
    rebuild(sealed, formats=(), watch=lambda share, what: told.append((share, what)))
    shares = [share for share, _ in told]
    assert told[0] == (1 / (10 + len(PLOTS)), "trial 1 of 10")
    assert told[10][1].startswith("figure ")
    assert shares == sorted(set(shares))
    assert 0.5 < shares[-1] <= 1.0


def test_rebuilding_the_report_gives_the_same_bytes_and_leaves_the_raw_data(
    sealed: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(sealed)
    raw = {path: path.read_bytes() for path in sealed.path.rglob("*.*") if path.is_file()}
    for name in before:
        (sealed.path / name).unlink()
        raw.pop(sealed.path / name)
    with pytest.raises(SystemExit) as ended:
        main(["report", str(sealed.path), "--figures", "svg"])
    assert ended.value.code == 0
    assert files(sealed) == before
    assert len(raw) == 1 + 10 * (1 + 4)
    assert {path: path.read_bytes() for path in raw} == raw
    assert capsys.readouterr().out.splitlines()[-1] == str(sealed.path / "report.html")


def test_the_summary_is_what_the_contract_says(sealed: RunFolder) -> None:
    found = json.loads((sealed.path / "summary.json").read_bytes())
    assert (found["schema_version"], found["experiment"], found["run_id"]) == (2, "tiny", "run-1")
    assert (found["commit"], found["dirty"], found["complete"], found["verdict"]) == ("abc123", True, True, "valid")
    one = found["trials"][0]
    assert set(one) >= {
        "cell", "replicate", "seed", "valid", "reasons", "outcome", "ledger", "detections", "offered_records_per_s",
        "carried_records_per_s", "carried_bytes_per_s", "response_time_s", "stages_s", "cost",
    }  # fmt: skip
    assert set(one["ledger"]) == {
        "planned", "overflowed", "unsent", "sent", "acknowledged", "unanswered", "analysed", "dead", "in_queue", "lost",
        "recovered", "indeterminate", "unexpected", "duplicate_results", "repeat_executions",
    }  # fmt: skip
    assert set(one["detections"]) == {"planted", "found", "missed", "spurious"}
    assert set(one["response_time_s"]) >= {"p50", "p90", "p99", "p999", "max", "count"}
    assert one["response_time_s"]["p999"] is None
    assert set(one["stages_s"]) == {"batch_wait", "send_lag", "ingest", "queue_wait", "fetch", "scan", "commit"}
    assert set(found["cells"][0]["carried_records_per_s"]) == {"value", "low", "high", "n", "method"}


def test_a_cell_is_estimated_over_its_own_trials(sealed: RunFolder) -> None:
    found = summary(sealed)
    assert [cell.cell for cell in found.cells] == list(CELLS)
    for cell in found.cells:
        assert (cell.trials, cell.invalid_trials, cell.carried_records_per_s.n) == (5, 0, 5)
        assert cell.carried_records_per_s.value == pytest.approx(300.0, rel=0.05)
        low, high = cell.carried_records_per_s.low, cell.carried_records_per_s.high
        assert low is not None
        assert high is not None
        assert low < 300.0 < high * 1.02
        assert cell.bottleneck is None, "an open loop that is carried met no limit"


def test_trials_in_memory_and_trials_read_back_have_one_summary(sealed: RunFolder) -> None:
    expected = [summarise(placed(one, index).record, one.tables) for index, one in enumerate(ten())]
    assert list(summary(sealed).trials) == expected


def invalid(one: Made) -> Made:
    return one.with_record(swarm={"bad_acks": 1})


def test_an_invalid_trial_enters_no_estimate_and_makes_the_run_invalid(tmp_path: Path) -> None:
    trials = ten()
    trials[2] = invalid(trials[2])
    found = summary(write(tmp_path, *trials))
    assert found.verdict == "invalid"
    first, second = found.cells
    assert (first.trials, first.invalid_trials, first.carried_records_per_s.n) == (5, 1, 4)
    assert (first.carried_records_per_s.low, second.carried_records_per_s.n) == (None, 5)


def test_a_cell_without_a_valid_trial_has_no_value_and_no_bottleneck(tmp_path: Path) -> None:
    one = trial()
    found = summary(write(tmp_path, invalid(one), one, trials_planned=2))
    assert (found.cells[0].carried_records_per_s.value, found.cells[0].bottleneck) == (None, None)
    assert found.cells[1].carried_records_per_s.value is not None


def test_a_failed_trial_makes_the_run_invalid_and_stands_in_the_report(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run-2", MANIFEST)
    run.add(made.record(index=0, cell=CELLS[0], failure="the <swarm> died"), None)
    found = summary(run)
    write_report(run, found, formats=("svg",))
    assert (found.verdict, found.trials[0].outcome, found.complete) == ("invalid", "failed", False)
    assert "trial 0: failed: the &lt;swarm&gt; died" in (run.path / "report.html").read_text(encoding="utf-8")


def test_a_run_without_a_trial_is_not_valid(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run-3", MANIFEST)
    found = summary(run)
    assert (found.verdict, found.complete, found.cells) == ("invalid", False, [])
    assert "INVALID" in page(findings(run, found), {})


def test_a_quantity_that_no_trial_has_says_so_and_blames_no_trial(tmp_path: Path) -> None:
    one = trial()  # 600 records: too few for a p99
    found = summary(write(tmp_path, one, one, trials_planned=2))
    p99 = found.cells[0].p99_response_s
    assert (p99.value, p99.n, p99.method) == (None, 0, "no trial gives a value")


# The report.


def rendered(sealed: RunFolder) -> tuple[Summary, str]:
    found = summary(sealed)
    return found, (sealed.path / "report.html").read_text(encoding="utf-8")


def test_the_report_leads_with_the_verdict_and_needs_no_network(sealed: RunFolder) -> None:
    _, text = rendered(sealed)
    assert text.index("VALID") < text.index("Is &quot;a&quot; &lt; b &amp; c?") < text.index("Throughput")
    links = [part.partition('"')[0] for key in ('src="', 'href="', "url(") for part in text.split(key)[1:]]
    assert [link for link in links if not link.startswith("#")] == []


def test_what_a_config_says_cannot_break_the_page(sealed: RunFolder) -> None:
    _, text = rendered(sealed)
    for hostile in ("<hyper&scan>", "made <up>", "'a=\"<x>\"'"):
        assert hostile not in text
    assert "&lt;hyper&amp;scan&gt;" in text
    assert "caudal run tiny --set &#x27;a=&quot;&lt;x&gt;&quot;&#x27;" in text


def test_every_line_of_every_trials_ledger_stands_in_the_report(tmp_path: Path) -> None:
    one, other = trial(), trial()
    run = write(tmp_path, one, other.with_record(planned=1234, left=[(0, 0, 10)]), trials_planned=2)
    found = summary(run)
    text = (run.path / "report.html").read_text(encoding="utf-8")
    ledgers = [trial.ledger for trial in found.trials if trial.ledger]
    assert len(ledgers) == 2
    for name in ledgers[0].__struct_fields__:
        cells = "".join(f"<td>{getattr(ledger, name):,}</td>" for ledger in ledgers)
        assert f"<td>{name.replace('_', ' ')}</td>{cells}" in text, name


def test_an_invalid_trial_is_marked_in_the_report(tmp_path: Path) -> None:
    one = trial()
    run = write(tmp_path, invalid(one), one, trials_planned=2)
    text = (run.path / "report.html").read_text(encoding="utf-8")
    assert '<p class="verdict invalid">INVALID</p>' in text
    assert "trial 0: acknowledgements: 1 acknowledgements of batches that were never sent" in text
    assert "<td>0 of 1</td>" in text


def test_a_figure_without_anything_valid_can_be_drawn(tmp_path: Path) -> None:
    one = invalid(trial())
    run = write(tmp_path, one, one, trials_planned=2)
    assert (run.path / "figures" / "throughput.svg").read_text(encoding="utf-8").endswith("</svg>\n")
