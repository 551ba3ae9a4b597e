"""report.html: its sections, numbers with n and interval, the limits of the sample, one file without a network."""

import html
import re

import msgspec
import pytest

from experiments.analysis.findings import Findings, findings
from experiments.report import load, sections
from experiments.report.page import page
from experiments.report.table import LONGEST_LINE, table
from experiments.report.verdict import verdict
from experiments.report.view import View
from tests.made_run import made_run

CELLS = [{"system.engine": engine} for engine in ("re", "<hyper>")]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return findings(made_run(tmp_path_factory.mktemp("run"), CELLS))


def plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def test_the_verdict_its_interval_and_the_accounts_come_first(found: Findings) -> None:
    top = plain(page(found, {})).split("Throughput")[0]
    one = max((cell.carried_records_per_s for cell in found.summary.cells), key=lambda one: one.value or 0.0)
    assert one.low is not None
    assert "VALID" in top
    assert f"95\N{NO-BREAK SPACE}% interval {one.low:,.0f} to {one.high:,.0f}, n = 5" in top
    assert "0 lost, 0 twice" in top
    assert "0 missed, 0 spurious" in top
    assert "10 of 10" in top


def test_an_overloaded_run_says_so_beside_its_verdict(found: Findings) -> None:
    trials = [msgspec.structs.replace(one, outcome="overloaded") for one in found.summary.trials[:3]]
    overloaded = msgspec.structs.replace(found.summary, trials=trials + found.summary.trials[3:])
    top = plain("".join(verdict(View(found._replace(summary=overloaded), {}))))
    assert "3 of 10 trials overloaded" in re.sub(r"\s+", " ", top)
    assert "overloaded" not in plain("".join(verdict(View(found, {}))))


def test_why_a_run_is_invalid_comes_before_what_was_repeated(found: Findings) -> None:
    bad = msgspec.structs.replace(found.summary.trials[0], valid=False, reasons=["late"], repeated=[["stolen CPU"]])
    summary = msgspec.structs.replace(found.summary, trials=[bad, *found.summary.trials[1:]])
    text = "".join(verdict(View(found._replace(summary=summary), {})))
    assert text.index("trial 0: late") < text.index("repeated: 1") < text.index("trial 0, attempt 1: stolen CPU")


def test_every_section_of_the_list_stands_in_the_page_in_its_order(found: Findings) -> None:
    text = page(found, {})
    here = [
        one.title for one in sections.SECTIONS if one.title not in ("Steps", "Capacity", "Scaling", "Hypotheses")
    ]  # no walk, no search, no sizes
    places = [text.index(f"<h2>{html.escape(title)}</h2>") for title in here]
    assert places == sorted(places)


def test_a_section_that_has_nothing_to_say_has_no_heading(found: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.report.page.SECTIONS", (sections.Section("Silent", lambda view: iter(())),))
    assert "Silent" not in page(found, {})


def test_a_figure_stands_under_its_section_with_its_caption(found: Findings) -> None:
    text = page(found, {"stages": '<svg id="stages-1"></svg>'})
    section = text[text.index("<h2>Response time by stage</h2>") :]
    assert section.index('<svg id="stages-1">') < section.index("figures/stages.csv") < section.index("<h2>", 1)


def test_the_page_says_how_far_the_sample_reaches_and_how_to_run_it_again(found: Findings) -> None:
    text = plain(page(found, {}))
    for said in (
        "p99 from 2,000 records on, p99.9 from 20,000",
        "caudal run made-up",
        "Seed 7;",
        "packages: celery 5.7.0",
        "cpu model: a test's",
        "Config as resolved: engine <hyper>",
        "swarm late, p50 ms",
    ):
        assert said in text, said


def test_nothing_in_the_page_is_fetched(found: Findings) -> None:
    text = page(found, {})
    assert re.findall(r'(?:src|href)="(?!#)|url\((?!#)|@import', text) == []


def test_hostile_names_break_nothing(found: Findings) -> None:
    assert "<hyper>" not in page(found, {})


def test_a_table_that_sorts_says_so_and_the_ledger_does_not(found: Findings) -> None:
    assert '<table class="sorts">' in table(["a"], [[1]])
    ledger = "".join(dict(sections.SECTIONS)["Ledger (records)"](View(found, {})))
    assert "<table>" in ledger
    assert "sorts" not in ledger


def test_a_missing_value_is_a_dash_and_a_number_keeps_its_thousands_apart() -> None:
    assert "<td>–</td><td>1,234</td><td>True</td>" in table(["a", "b", "c"], [[None, 1234, True]])


def test_a_sentence_in_a_table_is_broken_and_a_number_is_not() -> None:
    sentence = "x" * (LONGEST_LINE + 1)
    assert f"<td>{sentence[1:]}</td><td class=text>{sentence}</td>" in table(["a", "b"], [[sentence[1:], sentence]])


def test_a_column_of_intervals_stands_only_where_there_is_one(found: Findings) -> None:
    assert "95 % interval" in "".join(load.throughput(View(found, {})))
    cells = [
        msgspec.structs.replace(
            cell,
            carried_records_per_s=msgspec.structs.replace(cell.carried_records_per_s, low=None, high=None, n=1),
            p99_response_s=msgspec.structs.replace(cell.p99_response_s, low=None, high=None, n=1),
        )
        for cell in found.summary.cells
    ]
    few = found._replace(summary=msgspec.structs.replace(found.summary, cells=cells))
    text = "".join(load.throughput(View(few, {})))
    assert "95 % interval" not in text
    assert "p99 response, ms" in text
    assert "below five trials there is no interval" in text
