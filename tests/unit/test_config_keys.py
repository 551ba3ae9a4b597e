"""Every key a config knows: misspelt it is refused with its right name, and with a value of another kind by its own.

The keys are read off the Structs, so a new one is tested without a line here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect

from experiments.design.config import decode
from experiments.design.errors import ConfigError
from experiments.design.experiment import Experiment
from experiments.design.tables import ROOT, Key, Table, find

MINIMAL: dict[str, Any] = {"experiment": {"name": "minimal"}, "swarm": {"arrivals": {"kind": "drain"}}}

#: Values that no numeric key takes, as TOML writes them.
NOT_NUMBERS = ["nan", "-nan", "inf", "-inf", "-1", "-0.5", '"1"', "true", "[[1]]", "{ x = 1 }", "2026-01-01", "9" * 30]


def toml(value: Any) -> str:
    """Plain values as TOML; a text that begins with ! stands as it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return value[1:] if isinstance(value, str) and value.startswith("!") else json.dumps(value)


def refusal(document: dict[str, Any]) -> str:
    text = "\n".join(f"{json.dumps(name)} = {toml(value)}" for name, value in document.items())
    with pytest.raises(ConfigError) as caught:
        decode(text, source="x.toml", folder=Path("."))
    message = str(caught.value)
    assert "\n" not in message
    assert "x.toml" in message
    return message


def with_key(path: str, kind: str, value: Any) -> dict[str, Any]:
    """A config that is right but for one key: `path` within the form `kind` of its table."""
    document: dict[str, Any] = json.loads(json.dumps(MINIMAL))
    *tables, name = path.split(".")
    here = document
    for depth, table in enumerate(tables):
        entry = find(".".join(tables[: depth + 1]))
        assert isinstance(entry, Table)
        if entry.is_array:
            here[table] = [{}]
            here = here[table][0]
        else:
            here = here.setdefault(table, {})
    if kind:
        here.clear()
        here["kind"] = kind
    here[name] = value
    return document


def forms(table: Table) -> Iterator[tuple[str, Key]]:
    """Every key under a table, once for each kind that has it."""
    for kind, form in table.forms.items():
        for entry in form.values():
            if isinstance(entry, Table):
                yield from forms(entry)
            else:
                yield kind, entry


KEYS = list(forms(ROOT))
NUMBERS = [
    (kind, key)
    for kind, key in KEYS
    if "IntType" in str(inspect.type_info(key.accepted)) or "FloatType" in str(inspect.type_info(key.accepted))
]


def names(pair: tuple[str, Key]) -> str:
    return f"{pair[1].path}-{pair[0]}".rstrip("-")


def test_the_keys_of_the_contract_are_known() -> None:
    known = {key.path for _, key in KEYS}
    assert len(NUMBERS) > 35
    assert known >= {
        "experiment.ci_half_width",
        "swarm.batch_size",
        "swarm.arrivals.rate_per_s",
        "swarm.records.mix.web",
        "system.limits.frame_bytes",
        "placement.celery_parents",
        "faults.at_s",
        "objectives.p999_response_s",
    }


@pytest.mark.parametrize("pair", KEYS, ids=names)
def test_a_key_with_one_letter_changed_is_refused_with_the_right_key(pair: tuple[str, Key]) -> None:
    kind, key = pair
    parent, _, name = key.path.rpartition(".")
    table = find(parent)
    assert isinstance(table, Table)
    for place, letter in enumerate(name):
        wrong = name[:place] + ("j" if letter == "q" else "q") + name[place + 1 :]
        message = refusal(with_key(f"{parent}.{wrong}", kind if name != "kind" else "", "!1"))
        assert f"unknown key {parent}.{wrong} = 1" in message
        assert key.path in message.partition(");")[2], message


@pytest.mark.parametrize("name", ROOT.names())
def test_a_table_with_one_letter_changed_is_refused_with_the_right_table(name: str) -> None:
    for place in range(len(name)):
        wrong = name[:place] + "q" + name[place + 1 :]
        message = refusal({**MINIMAL, wrong: {}})
        assert f"unknown table {wrong}" in message
        assert name in message.partition(");")[2], message


@pytest.mark.parametrize("pair", NUMBERS, ids=names)
def test_a_numeric_key_refuses_what_is_no_number_in_its_range(pair: tuple[str, Key]) -> None:
    kind, key = pair
    table, _, name = key.path.rpartition(".")
    for written in NOT_NUMBERS:
        message = refusal(with_key(key.path, kind, f"!{written}"))
        assert message.startswith((f"{table}.{name} must be", f"{table}[0].{name} must be")), message
        assert "got " in message


@pytest.mark.parametrize("pair", KEYS, ids=names)
def test_a_key_refuses_a_table_and_a_date(pair: tuple[str, Key]) -> None:
    kind, key = pair
    name = key.path.rpartition(".")[2]
    for written in ("{ x = 1 }", "12:30:00", "[[1]]"):
        message = refusal(with_key(key.path, "" if name == "kind" else kind, f"!{written}"))
        assert f"{name} must be" in message


@pytest.mark.parametrize(
    ("path", "value", "belongs"),
    [
        ("experiment.batch_size", 100, "swarm.batch_size"),
        ("swarm.engine", "re", "system.engine"),
        ("trial.seed", 3, "experiment.seed"),
        ("system.agents", 3, "swarm.agents"),
        ("swarm.rate_per_s", 3.0, "swarm.arrivals.rate_per_s"),
        ("system.worker_prefetch", 3, "system.worker"),
        ("agents", 3, "swarm.agents"),
        ("arrivals", {"kind": "drain"}, "swarm.arrivals"),
    ],
)
def test_a_key_in_the_wrong_table_is_told_where_it_belongs(path: str, value: Any, belongs: str) -> None:
    assert belongs in refusal(with_key(path, "", value)).partition(");")[2]


def test_a_key_of_another_kind_is_told_whose_it_is() -> None:
    message = refusal(with_key("swarm.arrivals.window_batches", "poisson", 3))
    assert 'window_batches is a key of kind = "saturate", not of "poisson"' in message


def test_a_key_like_no_other_is_told_what_its_table_knows() -> None:
    assert "[trial] knows warmup_s, measure_s, cooldown_s, drain_timeout_s" in refusal(with_key("trial.zzz", "", 1))


@pytest.mark.parametrize("table", ["swarm", "experiment", "system", "faults", "factors"])
def test_a_number_is_no_table(table: str) -> None:
    assert f"{table} must be a" in refusal({**MINIMAL, table: 3})


def test_nan_is_refused_in_tables_whose_keys_are_free() -> None:
    message = refusal({**MINIMAL, "system": {"celery": {"broker_transport_options": {"visibility_timeout": "!nan"}}}})
    assert message.startswith("system.celery must be a table")
    assert "not a finite number" in message


def test_the_minimal_config_is_right() -> None:
    """The plant of this file: what the tests above change is the one thing wrong."""
    text = "\n".join(f"{name} = {toml(value)}" for name, value in MINIMAL.items())
    assert isinstance(decode(text, source="x.toml", folder=Path(".")), Experiment)
