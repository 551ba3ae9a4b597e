"""The walk from memoria to tuned: its ends, one change a step, and what the steps gain."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from experiments.analysis.findings import findings
from experiments.analysis.naming import LABEL, cell_name, columns
from experiments.analysis.steps import Step, steps
from experiments.analysis.summary import summary
from experiments.cli.verdict import interval_line, print_end
from experiments.design.config import decode, load
from experiments.metrics.trial import TrialSummary, summarise
from experiments.report.page import page
from experiments.store.run import RunFolder
from system.settings import PROFILES, SystemSettings
from tests.made_trial import trial


def settings(profile: str) -> SystemSettings:
    return msgspec.convert({"profile": profile, **PROFILES[profile]}, SystemSettings)


def walk() -> list[SystemSettings]:
    return [config.system for config in load("ablation").configs]


def changes(one: SystemSettings, other: SystemSettings) -> set[str]:
    """What sets them apart but for the profile's name, which by itself does nothing."""
    names = set(SystemSettings.__struct_fields__) - {"profile"}
    return {name for name in names if getattr(one, name) != getattr(other, name)}


def test_the_walk_begins_with_memoria_and_ends_with_tuned_to_the_last_key() -> None:
    assert walk()[0] == settings("memoria")
    assert walk()[-1] == settings("tuned")


def test_every_step_changes_one_thing_and_no_thing_twice() -> None:
    found = [changes(before, after) for before, after in zip(walk(), walk()[1:], strict=False)]
    assert [len(each) for each in found] == [1] * (len(walk()) - 1)
    assert set.union(*found) == changes(settings("memoria"), settings("tuned"))
    assert sum(map(len, found)) == len(set.union(*found))


def test_a_step_that_changes_two_things_is_seen() -> None:
    """The plant: the engine comes with the claim check."""
    first, _, third, *_ = walk()
    assert changes(first, third) == {"engine", "handoff"}


def test_the_load_is_the_one_whose_table_is_published() -> None:
    experiment = load("ablation")
    assert experiment.steps
    labels = [cell.levels[LABEL] for cell in experiment.cells]
    assert labels[0] == "memoria"
    assert labels[-1].endswith("= tuned")
    assert len(set(labels)) == len(labels)
    for config in experiment.configs:
        assert config.swarm == experiment.configs[0].swarm
        assert config.trial.measure_s == experiment.configs[0].trial.measure_s
    swarm = experiment.configs[0].swarm
    assert (swarm.batch_size, swarm.records.attack_ratio, swarm.records.mix.web) == (1000, 0.02, 1.0)
    assert not swarm.arrivals.open_loop


def test_only_a_walk_is_a_walk() -> None:
    text = '[experiment]\nname = "x"\n[swarm.arrivals]\nkind = "saturate"\n'
    assert not decode(text, source="x", folder=Path(".")).steps


# What a cell is called.


def test_a_label_names_a_cell_and_levels_name_the_others() -> None:
    levels = {LABEL: "+ journal", "system.journal": True}
    assert cell_name(levels) == "+ journal"
    assert cell_name({"swarm.batch_size": 10, LABEL: ""}) == "batch_size 10, label "
    assert (
        cell_name({"swarm.batch_size": 10, "system.engine": "re"}, equals="=", between="  ")
        == "batch_size=10  engine=re"
    )
    assert cell_name({}) == "the only cell"


def test_a_table_shows_labels_alone_if_every_cell_has_one() -> None:
    assert columns([{LABEL: "a", "x": 1}, {LABEL: "b", "x": 2}]) == [LABEL]
    assert columns([{LABEL: "a", "x": 1}, {LABEL: "", "x": 2}]) == [LABEL, "x"]
    assert columns([]) == []


# Gains.

CELLS: list[dict[str, Any]] = [{LABEL: "memoria"}, {LABEL: "+ <engine>"}, {LABEL: "+ journal"}]

#: By block: how fast the machine is that day. It moves every figure by up to four times, and no ratio at all.
DRIFT = (1.0, 2.0, 0.5, 1.5, 0.8)
RATES = (100.0, 300.0, 270.0)


def trials(rates: tuple[float, ...] = RATES, drift: tuple[float, ...] = DRIFT) -> list[TrialSummary]:
    sound = summarise(*trial()[:2])
    return [
        msgspec.structs.replace(
            sound, index=3 * block + place, cell=CELLS[place], replicate=block, carried_records_per_s=rate * speed
        )
        for block, speed in enumerate(drift)
        for place, rate in enumerate(rates)
    ]


def test_gains_are_paired_by_block_so_that_drift_falls_out() -> None:
    first, second, third = steps(CELLS, trials())
    assert (first.gain, first.gain_since_first) == (None, None)
    for one, expected in ((second.gain, 3.0), (third.gain, 0.9), (third.gain_since_first, 2.7)):
        assert one is not None
        assert (one.value, one.low, one.high) == pytest.approx((expected, expected, expected))
        assert one.n_first == 5


def test_pairing_the_wrong_blocks_is_seen() -> None:
    """The plant: a cell's trials told in another order of blocks; their ratios then spread as the machine does."""
    mixed = [
        msgspec.structs.replace(one, replicate=4 - one.replicate) if one.cell == CELLS[1] else one for one in trials()
    ]
    gain = steps(CELLS, mixed)[1].gain
    assert gain is not None
    assert gain.low is not None
    assert gain.high is not None
    assert gain.high / gain.low > 1.5, "paired rightly it is 1"


def test_a_block_counts_only_where_both_of_its_trials_are_valid() -> None:
    spoiled = [
        msgspec.structs.replace(one, valid=False, carried_records_per_s=1e9)
        if one.cell == CELLS[1] and one.replicate == 0
        else one
        for one in trials()
    ]
    _, second, third = steps(CELLS, spoiled)
    assert second.gain is not None
    assert third.gain is not None
    assert third.gain_since_first is not None
    assert (second.gain.n_first, third.gain.n_first, third.gain_since_first.n_first) == (4, 4, 5)
    assert second.gain.low is None
    assert second.gain.value == pytest.approx(3.0)


def run(folder: Path, *, walks: bool) -> RunFolder:
    cells = [{"index": place, "levels": levels} for place, levels in enumerate(CELLS)]
    manifest = {
        "experiment": {"name": "walk", "question": "", "cells": cells} | ({"steps": True} if walks else {}),
        "trials_planned": 6, "commit": None, "dirty": False, "command": "", "machine": {},
    }  # fmt: skip
    made = RunFolder.create(folder / "walk" / "run-1", manifest)
    one = trial()
    for index in range(6):
        placed = one.with_record(index=index, block=index // 3, replicate=index // 3, cell=CELLS[index % 3])
        made.add(placed.record, placed.tables)
    return made


def test_the_gains_stand_in_summary_report_and_at_the_runs_end(tmp_path: Path) -> None:
    made = run(tmp_path, walks=True)
    found = summary(made)
    assert [one.name for one in found.steps] == ["memoria", "+ <engine>", "+ journal"]
    assert all(isinstance(one, Step) for one in found.steps)
    text = page(findings(made, found), {})
    assert "<h2>Steps</h2>" in text
    assert "<td>+ &lt;engine&gt;</td>" in text
    assert "<td>1.00 (n = 2, no interval)</td>" in text
    console = Console(record=True, width=80)
    print_end(console, found, made.path)
    said = console.export_text()
    assert "times the step before" in said
    assert any(line.split()[:2] == ["+", "journal"] and "1.00 (n = 2" in line for line in said.splitlines())


def test_where_trials_were_lost_more_of_them_are_asked_for(tmp_path: Path) -> None:
    found = summary(run(tmp_path, walks=True))
    assert interval_line(found) == "n = 2, no interval: ` --set experiment.replicates=5` gives one"
    lost = msgspec.structs.replace(found.cells[0].carried_records_per_s, n=3)
    cells = [msgspec.structs.replace(cell, trials=5, carried_records_per_s=lost) for cell in found.cells]
    said = interval_line(msgspec.structs.replace(found, cells=cells))
    assert said == "n = 3, no interval: ` --set experiment.replicates=10` gives one"


def test_a_run_that_is_no_walk_or_from_before_there_were_any_has_no_steps(tmp_path: Path) -> None:
    made = run(tmp_path, walks=False)
    found = summary(made)
    assert found.steps == []
    assert "<h2>Steps</h2>" not in page(findings(made, found), {})
