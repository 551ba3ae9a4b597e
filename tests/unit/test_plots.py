"""Every plot on made runs: units and n on every axis, both languages, invalid trials marked, the numbers in its CSV."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.analysis.findings import Findings, findings
from experiments.metrics.spectrum import Spectrum
from experiments.metrics.walk import Piece, Some, walk
from experiments.plots import style
from experiments.plots.bars import split
from experiments.plots.frontier import best
from experiments.plots.plot import as_csv
from experiments.plots.registry import PLOTS, svg
from experiments.plots.words import LANGUAGES, PHRASES, Words
from tests.made_plots import (
    EMULATED,
    HYPOTHESES,
    MadeFindings,
    cells_of,
    with_something_wrong,
)
from tests.made_run import made_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Findings]:
    """The findings of the run that a plot is tried on, made once."""
    return MadeFindings(tmp_path_factory.mktemp("runs"))


class Marked(Words):
    """English in which what comes from the list of phrases can be told from what doesn't."""

    def __call__(self, phrase: str, **values: object) -> str:
        return f"‹{super().__call__(phrase, **values)}›"


def texts(axes: Any) -> list[str]:
    legend = axes.get_legend()
    own = [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), *(one.get_text() for one in axes.texts)]
    named = [] if legend is None else [one.get_text() for one in legend.get_texts()]
    return [text for text in own + named if text.strip()]


def everything(figure: Any) -> list[str]:
    """The texts of all axes and of the legends beside them."""
    beside = [one.get_text() for legend in figure.legends for one in (legend.get_title(), *legend.get_texts())]
    return [text for axes in figure.axes for text in texts(axes)] + [text for text in beside if text.strip()]


def wrong(figure: Any) -> list[str]:
    """What a figure's axes lack: a label, its unit, or how many the points are over."""
    found = []
    for number, axes in enumerate(figure.axes):
        if not axes.get_visible():
            continue
        labels = {"x": axes.get_xlabel()} | ({"y": axes.get_ylabel()} if len(axes.get_yticks()) else {})
        found += [
            f"axes {number}: no unit on {which}" for which, text in labels.items() if not re.search(r"\(.+\)", text)
        ]
        if not any(re.search(r"\bn = \d", text) for text in texts(axes)):
            found.append(f"axes {number}: no n")
    return found


@pytest.mark.parametrize("name", PLOTS)
def test_every_axis_has_its_unit_and_n_and_every_word_stands_in_the_list(
    name: str, made: Callable[[str], Findings]
) -> None:
    plot = PLOTS[name]
    table = plot.table(made(name))
    assert table, "the run has data for this plot"
    figure = style.draw(plot, table, Marked())
    assert wrong(figure) == []
    known = {label for row in table for label in row.values() if isinstance(label, str)}
    for text in everything(figure):
        bare = text.replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
        while "‹" in bare:  # from within: a phrase may hold another
            bare = re.sub(r"‹[^‹›]*›", "", bare)
        for label in sorted(known, key=len, reverse=True):
            bare = bare.replace(label, "") if label else bare
        assert not re.search(r"[^\W\d_]", bare), f"{text!r} isn't in experiments/plots/words.py"


@pytest.mark.parametrize("name", PLOTS)
def test_each_plot_is_drawn_in_spanish(name: str, made: Callable[[str], Findings]) -> None:
    drawn = svg(made(name), name, "es")
    assert re.search(r"registro|ensayo|núcleos", drawn)
    assert not re.search(r"\b(record|trial|cores \()", drawn)


@pytest.mark.parametrize("name", PLOTS)
def test_an_invalid_trial_is_marked_and_a_run_without_one_has_no_mark(
    name: str, made: Callable[[str], Findings], tmp_path: Path
) -> None:
    def marks(found: Findings) -> list[str]:
        figure = style.draw(PLOTS[name], PLOTS[name].table(found), Words())
        said = [text for text in everything(figure) if re.search("invalid|INVALID", text)]
        lines = [
            line for axes in figure.axes for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata())
        ]
        return [text for text in said if "an invalid one" not in text] + [str(line) for line in lines]

    assert marks(made(name))
    sound = made_run(
        tmp_path,
        cells_of(name),
        replicates=1,
        change=lambda one, cell, _: with_something_wrong(one, cell, 1),
        hypotheses=HYPOTHESES if name == "hypotheses" else (),
    )
    assert marks(findings(sound)) == []


def test_a_figure_without_unit_or_n_is_noticed(made: Callable[[str], Findings]) -> None:
    plot = PLOTS["response_spectrum"]
    figure = style.draw(plot, plot.table(made(plot.name)), Words())
    figure.axes[0].set_xlabel("share")
    assert wrong(figure) == ["axes 0: no unit on x", "axes 0: no n"]


def test_the_phrases_are_complete_in_every_language() -> None:
    for name, told in PHRASES.items():
        assert len(told) == len(LANGUAGES), name
        assert all(told), name
        fields = [set(re.findall(r"\{(\w+)\}", text)) for text in told]
        assert fields[0] == fields[1], name
        assert [text.count("(") for text in told] == [told[0].count("(")] * 2, f"{name}: a unit is missing"


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="language must be one of en, es, got 'fr'"):
        Words("fr")


@pytest.mark.parametrize(
    ("value", "english", "spanish"),
    [(1234.5, "1,234", "1.234"), (0.01234, "0.0123", "0,0123"), (12.34, "12.3", "12,3"), (0.0, "0", "0")],
)
def test_numbers_are_written_as_the_language_does(value: float, english: str, spanish: str) -> None:
    assert Words("en").significant(value) == english
    assert Words("es").significant(value) == spanish


def test_a_run_gets_the_figures_that_its_factors_allow(made: Callable[[str], Findings]) -> None:
    always = {"throughput", "response_spectrum", "stages", "latency_over_time", "cost"}
    for name, more in {
        "ablation": {"ablation"},
        "batching_frontier": {"batching_frontier"},
        "throughput_vs_cores": {"throughput_vs_cores"},
        "emulated_scaling": {"emulated_scaling"},
        "hypotheses": {"hypotheses"},
    }.items():
        found = made(name)
        assert {plot for plot, one in PLOTS.items() if one.table(found)} == always | more


def test_a_figure_that_the_run_has_nothing_for_is_refused_by_name(made: Callable[[str], Findings]) -> None:
    with pytest.raises(ValueError, match="no data for the figure 'ablation'"):
        svg(made("batching_frontier"), "ablation")


def test_the_files_of_a_figure_are_the_same_bytes_each_time(made: Callable[[str], Findings], tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        plot = PLOTS["cost"]
        table = plot.table(made("cost"))
        style.save(style.draw(plot, table, Words()), table, folder, "cost")
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {"cost.svg", "cost.pdf", "cost.png", "cost.csv"}
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_the_csv_holds_what_is_drawn(made: Callable[[str], Findings]) -> None:
    table = PLOTS["throughput"].table(made("throughput"))
    read = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert [float(row["carried_records_per_s"]) for row in read] == [row["carried_records_per_s"] for row in table]
    assert {row["valid"] for row in read} == {"True", "False"}


def test_cells_that_have_no_panel_over_time_are_counted(tmp_path: Path) -> None:
    cells = [{"swarm.batch_size": size} for size in range(1, 9)]
    found = findings(made_run(tmp_path, cells, replicates=1))
    table = PLOTS["latency_over_time"].table(found)
    assert list(dict.fromkeys(row["swarm.batch_size"] for row in table)) == [1, 2, 3, 4, 5, 6], "in the config's order"
    assert "the first trials of 6 of 8 cells" in svg(found, "latency_over_time")


@pytest.mark.parametrize(
    "name", ["throughput", "batching_frontier", "response_spectrum", "stages", "latency_over_time"]
)
def test_overloaded_trials_are_marked(name: str, made: Callable[[str], Findings]) -> None:
    found = made("batching_frontier")
    assert "overloaded" not in svg(found, name)
    trials = [msgspec.structs.replace(one, outcome="overloaded") for one in found.summary.trials]
    full = found._replace(summary=msgspec.structs.replace(found.summary, trials=trials))
    assert "overloaded" in svg(full, name)


# What is drawn, against what the trials were made with.


def test_the_stages_are_those_of_the_made_up_system_and_add_up_to_the_response(made: Callable[[str], Findings]) -> None:
    rows = [row for row in PLOTS["stages"].table(made("stages")) if row["system.engine"] == "re"]
    means = {row["part"]: row["value"] for row in rows}
    assert [round(means[name], 9) for name in ("send_lag", "ingest", "queue_wait", "fetch", "scan", "commit")] == [
        0.001, 0.002, 0.003, 0.004, 0.005, 0.006,
    ]  # fmt: skip
    assert means["response"] == pytest.approx(
        sum(value for part, value in means.items() if part != "response"), rel=0.01
    )


def test_the_cost_is_the_systems_and_not_the_instruments(made: Callable[[str], Findings]) -> None:
    table = PLOTS["cost"].table(made("cost"))
    assert {row["part"] for row in table} == {"gateway", "broker", "workers", "system"}


def test_an_ablation_shows_what_each_step_gains(made: Callable[[str], Findings]) -> None:
    found = made("ablation")
    table = PLOTS["ablation"].table(found)
    assert [row["step"] for row in table] == ["plain", "+ hyperscan", "+ coalescing"]
    assert [row["gain_ratio"] for row in table[1:]] == [one.gain.value for one in found.summary.steps[1:] if one.gain]
    assert table[1]["gain_ratio"] == pytest.approx(1.0, rel=0.02)


def test_the_faults_of_a_trial_stand_in_its_panel(made: Callable[[str], Findings]) -> None:
    table = PLOTS["latency_over_time"].table(made("latency_over_time"))
    assert {row["faults"] for row in table} == {"kill_worker_child@2.000"}
    drawn = svg(made("latency_over_time"), "latency_over_time")
    assert "fault: kill_worker_child" in drawn


def test_the_cores_are_counted_and_not_named(made: Callable[[str], Findings]) -> None:
    table = PLOTS["throughput_vs_cores"].table(made("throughput_vs_cores"))
    assert {row["system.worker_cores"]: row["cores_count"] for row in table} == {1: 1, "all": 2}


def test_emulated_workers_are_labelled_and_marked_where_the_real_cores_ran_out(made: Callable[[str], Findings]) -> None:
    found = made("emulated_scaling")
    table = PLOTS["emulated_scaling"].table(found)
    assert {row["servers_count"]: row["out_of_cores"] for row in table if row["law"] is None} == {
        1: False, 2: False, 4: False, 8: False, 16: True,
    }  # fmt: skip
    assert {row["law"] for row in table} == {None, "amdahl", "usl"}
    assert max(row["servers_count"] for row in table if row["law"]) == pytest.approx(8), "the marked size enters no law"
    drawn = svg(found, "emulated_scaling")
    assert "EMULATED: a worker waits 20.0 ms a batch instead of computing" in drawn
    assert "has used up the real cores" in drawn


def test_with_cores_to_spare_nothing_is_marked(tmp_path: Path) -> None:
    run = made_run(tmp_path, EMULATED[:4], change=with_something_wrong)
    assert "has used up" not in svg(findings(run), "emulated_scaling")


@pytest.mark.parametrize(
    ("higher", "expected"), [(False, [0, 2]), (True, [0, 1])], ids=["both lower", "second one higher"]
)
def test_the_frontier_is_what_nothing_beats_in_both(higher: bool, expected: list[int]) -> None:
    points = [(1.0, 5.0), (2.0, 7.0), (3.0, 4.0), (4.0, 6.0)]
    assert best(points, higher=higher) == expected
    for place in set(range(4)) - set(expected):
        sign = -1 if higher else 1
        x, y = points[place]
        assert any(a <= x and sign * b <= sign * y and (a, b) != (x, y) for a, b in points)


def spectrum(values_ns: np.ndarray, unfinished: int = 0) -> tuple[dict[float, float], int]:
    """Of records that all arrived at once, of which some never finished."""
    records = len(values_ns)
    arrived, finished = (
        Some(zeros, zeros, 1) for zeros in (np.zeros(records + unfinished, np.int64), np.zeros(records, np.int64))
    )
    found = Spectrum((0, 1))
    walk([Piece(0, arrived, finished, values_ns)], found)
    return found.shares(), found.records


def test_the_spectrum_is_numpys_inverted_distribution_as_far_as_20_records_lie_above() -> None:
    values = np.random.default_rng(5).integers(1, 10**9, 4000)
    found, total = spectrum(values)
    assert total == 4000
    assert max(found) == 0.995
    for share, value in found.items():
        assert value * 1e9 == pytest.approx(np.quantile(values, share, method="inverted_cdf"))


def test_records_that_never_finished_are_the_slowest_of_the_spectrum() -> None:
    found, total = spectrum(np.arange(1, 3001), unfinished=1000)
    assert total == 4000
    assert max(found) == 0.7
    assert found[0.5] == 2000 / 1e9


def test_a_bar_is_as_long_as_the_whole_whatever_the_means_of_its_parts() -> None:
    """Two parts of 1 and 9 that change places from trial to trial: each has the geometric mean 3, their sum is always 10."""
    head = {"cell": "c", "n": 6, "low": None, "high": None, "valid": True, "invalid_trials": 0, "overloaded_trials": 0}
    table = [
        {**head, "part": name, "value": value} for name, value in (("gateway", 3.0), ("workers", 3.0), ("system", 10.0))
    ]
    figure = Figure()
    left, right = figure.subplots(1, 2)
    split(table, (left, right), Words("en"), ("gateway", "workers"), "system", 1.0, ("CPU", "%"))
    for axes, whole in ((left, 10.0), (right, 100.0)):
        assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(whole)
    assert any(re.fullmatch(r"\s*10(\.0*)?", text.get_text()) for text in left.texts)
