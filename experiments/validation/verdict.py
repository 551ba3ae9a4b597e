"""One verdict of known truth as it is kept: every raw slot, what was planted, and the sittings it was played in.

FOLDER/PLANT/NNNN.json, written after each pair. What the gate says of it isn't stored: it is judged anew from the pairs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from experiments.gate.judge import ScenarioResult, judge
from experiments.gate.scenario import Scenario
from experiments.gate.slot import Pair

SCHEMA_VERSION = 1


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of playing: when, on which machine, under which load (over the minute before), from which pair on."""

    begun_utc: str
    machine: dict[str, Any]
    load_average: float | None
    first_pair: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`commit` is that of both sides; `harness` the Caudal that played; `gated` the scenario's metrics."""

    schema_version: int = SCHEMA_VERSION
    plant: str
    number: int
    scenario: str
    gated: tuple[str, ...]
    commit: str
    harness: str | None
    seed: int
    sittings: list[Sitting] = []
    pairs: list[Pair] = []

    def judged(self) -> ScenarioResult:
        """What the gate says of it so far; its verdict is None while pairs are missing."""
        told = Scenario(name=self.scenario, config=self.scenario, gated=self.gated, slot_s=0.0)
        return judge(self.pairs, told, metrics=len(self.gated))


def path_of(folder: Path, one: Verdict) -> Path:
    """Where a verdict is kept."""
    return folder / one.plant / f"{one.number:04d}.json"


def write(folder: Path, one: Verdict) -> None:
    """Writes it whole, or leaves what was there."""
    path = path_of(folder, one)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(one), indent=1) + b"\n")
    partial.replace(path)


def read(folder: Path) -> Iterator[Verdict]:
    """All verdicts of a folder, by plant and number. Raises: msgspec.ValidationError; OSError."""
    for path in sorted(folder.glob("*/[0-9]*.json")):
        yield msgspec.json.decode(path.read_bytes(), type=Verdict)
