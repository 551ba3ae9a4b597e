"""The glossary explains every stored column and every figure, each in its own table, and nothing that isn't stored."""

import re
from pathlib import Path

import pytest

from experiments.analysis.batching import Batching
from experiments.analysis.capacity import Capacity, ProbeFound
from experiments.analysis.hypotheses import HypothesisFound
from experiments.analysis.scaling import Scaling
from experiments.analysis.steps import Step
from experiments.analysis.summary import CellSummary, Summary
from experiments.gate.judge import MetricResult, ScenarioResult
from experiments.gate.result import GateResult
from experiments.gate.slot import Slot
from experiments.metrics.detections import Detections
from experiments.metrics.fairness import Fairness
from experiments.metrics.ledger import Ledger
from experiments.metrics.quantiles import Quantiles
from experiments.metrics.response import STAGES
from experiments.metrics.trial import TrialSummary
from experiments.stats.estimate import Estimate
from experiments.stats.ratio import Ratio
from experiments.stats.scaling import LawFit, LeftOut
from experiments.stats.steady import Steady
from experiments.stats.within import Within
from experiments.store.record import Load, TrialRecord
from experiments.store.tables import FOLDERS
from loadgen.model.flush_mix import FlushMix

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"

#: By the heading (or the line in backticks) above its table: the names that must stand in the first column.
STORED: dict[str, tuple[str, ...]] = {
    **{f"{name}.parquet": dtype.names or () for name, dtype in FOLDERS.items()},
    "Times of a record": ("batch_wait", *(name for name, _, _ in STAGES)),
    "trials/NNNN.json: a trial's record": TrialRecord.__struct_fields__,
    "load": Load.__struct_fields__,
    "The run": Summary.__struct_fields__,
    "trials": TrialSummary.__struct_fields__,
    "steady": Steady.__struct_fields__,
    "within_trial": Within.__struct_fields__,
    "ledger": Ledger.__struct_fields__,
    "detections": Detections.__struct_fields__,
    "Quantiles": Quantiles.__struct_fields__,
    "Capacity": Capacity.__struct_fields__,
    "ProbeFound": ProbeFound.__struct_fields__,
    "cells": CellSummary.__struct_fields__,
    "Steps": Step.__struct_fields__,
    "HypothesisFound": HypothesisFound.__struct_fields__,
    "Fairness": Fairness.__struct_fields__,
    "Scaling": Scaling.__struct_fields__,
    "LawFit": LawFit.__struct_fields__,
    "LeftOut": LeftOut.__struct_fields__,
    "Ratio": Ratio.__struct_fields__,
    "Batching": Batching.__struct_fields__,
    "FlushMix": FlushMix.__struct_fields__,
    "Estimates": Estimate.__struct_fields__,
    "result.json of a gate": GateResult.__struct_fields__,
    "scenarios": ScenarioResult.__struct_fields__,
    "metrics": MetricResult.__struct_fields__,
    "slots": Slot.__struct_fields__,
}


def explained(text: str) -> dict[str, list[str]]:
    """By heading: the names in backticks in the first column of the tables under it, each with a meaning beside it."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in text.splitlines():
        if title := re.fullmatch(r"#+ (.+)|`(\w+)`:", line):
            heading = title[1] or title[2]
        elif line.startswith("| ") and (cells := [cell.strip() for cell in line.strip("|").split(" | ")])[-1]:
            found.setdefault(heading, []).extend(re.findall(r"`([^`]+)`", cells[0]))
    return found


def gaps(text: str, heading: str, names: tuple[str, ...]) -> list[str]:
    """What a table of the glossary leaves out, explains twice, or explains although it isn't stored."""
    told = explained(text).get(heading, [])
    missing = [f"{heading}: {name} is not explained" for name in names if name not in told]
    unknown = [f"{heading}: {name} is not stored" for name in told if name not in names]
    twice = [f"{heading}: {name} stands {told.count(name)} times" for name in set(told) if told.count(name) > 1]
    return missing + unknown + twice


@pytest.mark.parametrize("heading", STORED)
def test_the_glossary_explains_exactly_what_is_stored(heading: str) -> None:
    assert gaps(GLOSSARY.read_text("utf-8"), heading, STORED[heading]) == []


TEXT = """
### ledger

| field | unit | meaning |
|---|---|---|
| `sent` | records | Sent. |
| `low`, `high` | records | Bounds. |

`load`:

| field | unit | meaning |
|---|---|---|
| `agents` | agents | How many. |
"""


def test_tables_are_read_by_their_headings() -> None:
    assert explained(TEXT) == {"ledger": ["sent", "low", "high"], "load": ["agents"]}
    assert gaps(TEXT, "ledger", ("sent", "low", "high")) == []


@pytest.mark.parametrize(
    ("text", "names", "gap"),
    [
        (TEXT, ("sent", "low", "high", "lost"), "ledger: lost is not explained"),
        (TEXT, ("sent", "low"), "ledger: high is not stored"),
        (TEXT.replace("`low`, `high`", "`sent`"), ("sent",), "ledger: sent stands 2 times"),
        (TEXT.replace("### ledger", "### other"), ("sent",), "ledger: sent is not explained"),
        (TEXT.replace("`agents`", "`lost`"), ("sent", "low", "high", "lost"), "ledger: lost is not explained"),
    ],
)
def test_a_planted_gap_is_found(text: str, names: tuple[str, ...], gap: str) -> None:
    assert gaps(text, "ledger", names) == [gap]
