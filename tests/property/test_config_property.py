"""Whatever stands in a config: an experiment or a ConfigError in one line, and never anything else."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from experiments.design.config import decode
from experiments.design.errors import ConfigError, shown
from experiments.design.experiment import Experiment
from experiments.design.factors import parse_factors
from experiments.design.nearest import one_slip
from experiments.design.overrides import parse_override
from experiments.design.plan import plan
from experiments.design.tables import ROOT, Key, walk

BASE = '[experiment]\nname = "x"\nreplicates = 2\n[swarm.arrivals]\nkind = "poisson"\nrate_per_s = 10.0\n'
PATHS = sorted({entry.path for entry in walk(ROOT) if isinstance(entry, Key)})

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value).replace("\x7f", "\\u007f")


def outcome(text: str, *overrides: str) -> Experiment | None:
    """Gives the experiment, None after a ConfigError; anything else fails the test."""
    message = ""
    try:
        return decode(text, source="x.toml", folder=Path("/nowhere"), overrides=overrides)
    except ConfigError as error:
        message = str(error)
    assert message
    assert "\n" not in message
    return None


@given(st.text(max_size=200))
@example("[factors]\na.b.c.d.e.f.g.h.i.j.k = [1]")
@example("swarm.arrivals.kind = [1]")
def test_any_text_gives_an_experiment_or_a_config_error(text: str) -> None:
    outcome(text)
    outcome(BASE + text)


@settings(max_examples=300)
@given(st.sampled_from(PATHS), values)
def test_any_value_of_any_key_gives_an_experiment_that_comes_back_from_json_or_an_error(path: str, value: Any) -> None:
    made = outcome(BASE, f"{path}={toml(value)}")
    if made is not None:
        assert msgspec.json.decode(msgspec.json.encode(made), type=Experiment) == made


@settings(max_examples=300)
@given(st.sampled_from(PATHS), st.lists(values, max_size=4))
def test_any_levels_of_any_key_give_as_many_cells_or_an_error(path: str, levels: list[Any]) -> None:
    made = outcome(BASE + f"[factors]\n{json.dumps(path)} = {toml(levels)}\n")
    if made is not None:
        assert len(made.cells) == len(made.configs) == len(levels)
        assert len(plan(made).trials) == 2 * len(levels)


@given(st.text(max_size=40))
def test_any_override_is_a_key_and_value_or_a_config_error(text: str) -> None:
    try:
        path, _ = parse_override(text)
    except ConfigError:
        return
    assert path == text.partition("=")[0].strip()


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), max_size=4),
    st.dictionaries(st.sampled_from("efgh"), st.just(3), min_size=1, max_size=3),
)
def test_the_cells_are_all_combinations_each_once(plain: dict[str, int], zipped: dict[str, int]) -> None:
    table: dict[str, Any] = {f"swarm.{name}": list(range(count)) for name, count in plain.items()}
    table["zip"] = [{f"system.{name}": list(range(count)) for name, count in zipped.items()}]
    cells = parse_factors(table, "x.toml").cells()
    assert len(cells) == len({tuple(cell.values()) for cell in cells}) == math.prod(plain.values()) * 3
    assert all(len({level for name, level in cell.items() if name.startswith("system.")}) == 1 for cell in cells)


@given(values)
def test_a_shown_value_is_one_short_line(value: Any) -> None:
    assert len(shown(value)) <= 80


@given(st.text("abc", min_size=3, max_size=6), st.data())
def test_one_slip_is_seen_in_both_directions(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    kind = data.draw(st.sampled_from(["change", "add", "leave out", "exchange"]))
    letter = data.draw(st.sampled_from("abcx"))
    slipped = {
        "change": word[:at] + letter + word[at + 1 :],
        "add": word[:at] + letter + word[at:],
        "leave out": word[:at] + word[at + 1 :],
        "exchange": word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
    }[kind]
    assert one_slip(word, slipped)
    assert one_slip(slipped, word)
    assert not one_slip(word, "yy" + slipped)
