"""Checks a table of plain values against the known keys, and says what is wrong with the first one that doesn't fit.

Plain values (from TOML) -> the same values, each known, of its type and, where the table must be complete, all
there. The Structs would refuse the same; what is added is the message: name, value, expectation, place and remedy.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from experiments.design.errors import ConfigError, shown
from experiments.design.expectation import convert, expectation, unfit
from experiments.design.nearest import closest, suggestion, title
from experiments.design.tables import Key, Table

#: Gives the place a dotted path was written at, for messages: `burst.toml, [swarm]`.
Where = Callable[[str], str]

#: What to do about a value that doesn't fit, where that is more than to look it up.
REMEDIES = {
    "experiment.name": "the name becomes a folder: letters, digits, dots, dashes and underscores",
    "swarm.agents": "a trial needs somebody who sends",
    "swarm.batch_size": "1 sends each record by itself",
    "swarm.timeout_s": "for batches cut by BATCH_SIZE alone, give a timeout longer than the trial",
    "swarm.arrivals.rate_per_s": "this is records a second of each agent; to offer less, give a small rate",
    "swarm.records.attack_ratio": "0.02 plants an attack in every fiftieth record",
    "system.worker_cores": 'this counts cores, "all" takes all; which ones they are stands in placement.workers',
    "deploy.kind": 'this version measures a system it starts on this machine: kind = "local"',
    "deploy.redis_url": "write it as redis://host:port/database",
}

#: What the expectation of a numeric key begins with.
NUMBERS = ("an integer", "a number")


def check(table: Table, value: Any, where: Where, *, complete: bool) -> None:
    """Passes over a table and everything in it.

    Args:
        table: what is known.
        value: what was given.
        where: the place of a dotted path.
        complete: also demand the keys that have no default (a config's own tables may leave them to the factors).

    Raises:
        ConfigError: on the first thing that doesn't fit.
    """
    if table.is_array:
        if not isinstance(value, list):
            raise misfit(table.path, value, "an array of tables", where)
        for number, row in enumerate(value):
            _check_one(table, row, f"{table.path}[{number}]", where, complete=True)
    else:
        _check_one(table, value, table.path, where, complete=complete)


def _check_one(table: Table, value: Any, shown_path: str, where: Where, *, complete: bool) -> None:
    if not isinstance(value, dict):
        raise misfit(shown_path, value, "a table", where)
    if table.is_free:
        check_value(Key(shown_path, dict[str, Any], {}), value, where)
        return
    kind = _kind(table, value, shown_path, where)
    names = table.names(kind)
    for name, given in value.items():
        path = f"{shown_path}.{name}".removeprefix(".")
        entry = names.get(name)
        if entry is None:
            raise unknown(
                f"{table.path}.{name}".removeprefix("."), given, where, kind if len(table.forms) > 1 else None
            )
        if isinstance(entry, Table):
            check(entry, given, where, complete=complete)
        else:
            check_value(entry._replace(path=path), given, where)
    if complete:
        _check_complete(table, kind, value, shown_path, where)


def _kind(table: Table, value: dict[str, Any], shown_path: str, where: Where) -> str | None:
    """Gives the form to read the table in; None (all forms together) where `kind` is left to a factor."""
    if "" in table.forms:
        return ""
    kind = value.get("kind")
    if kind is None:
        return None
    if isinstance(kind, str) and kind in table.forms:
        return kind
    near = closest(kind, table.forms) if isinstance(kind, str) else []
    remedy = f'the nearest is "{near[0]}"' if near else "docs/config.md says what each does"
    path = f"{shown_path}.kind"
    raise ConfigError(
        f"{path} must be {expectation_of(table.names()['kind'])}, got {shown(kind)} ({where(path)}); {remedy}"
    )


def _check_complete(table: Table, kind: str | None, value: dict[str, Any], shown_path: str, where: Where) -> None:
    for name, entry in table.names(kind).items():
        if isinstance(entry, Table) and name not in value and entry.default is msgspec.NODEFAULT:
            raise ConfigError(f"{title(entry.path)} is missing ({where(entry.path)}); add the table: {_example(entry)}")
        # Without a kind all forms' keys stand together here, and only the kind itself is sure to be missing.
        needed = name == "kind" or kind is not None
        if isinstance(entry, Key) and needed and name not in value and entry.default is msgspec.NODEFAULT:
            path = f"{shown_path}.{name}"
            raise ConfigError(
                f"{path} is missing ({where(path)}); add {name} = ... there, {expectation(entry.accepted)}"
            )


def _example(table: Table) -> str:
    keys = [entry for entry in table.names().values() if isinstance(entry, Key)]
    first = next((each for each in keys if each.default is msgspec.NODEFAULT), None)
    return (
        title(table.path)
        if first is None
        else f"{title(table.path)} with {first.path.rpartition('.')[2]} = {expectation(first.accepted)}"
    )


def expectation_of(entry: Key | Table) -> str:
    """The words for what a key or table takes."""
    if isinstance(entry, Table):
        return "an array of tables" if entry.is_array else "a table"
    return expectation(entry.accepted)


def check_value(key: Key, value: Any, where: Where) -> Any:
    """Gives the value as the key's type holds it.

    Raises:
        ConfigError: it isn't of the type.
    """
    reason = unfit(value)
    if reason is not None:
        raise misfit(key.path, value, expectation(key.accepted), where, f" ({reason})")
    try:
        return convert(value, key.accepted)
    except msgspec.ValidationError as error:
        expected = expectation(key.accepted)
        # What is wrong within a table that is a row's key, only msgspec says.
        within = f" ({error})" if expected == "a table" and isinstance(value, dict) else ""
        raise misfit(key.path, value, expected, where, within) from error


def misfit(path: str, value: Any, expected: str, where: Where, reason: str = "") -> ConfigError:
    """The error for a value that isn't what its key takes."""
    remedy = REMEDIES.get(path, "docs/config.md says what it means")
    if expected.startswith(NUMBERS) and isinstance(value, str) and value[:1].isdigit():
        remedy = "write numbers without quotes"
    elif expected.startswith(NUMBERS) and isinstance(value, bool):
        remedy = "true and false are no numbers"
    return ConfigError(f"{path} must be {expected}, got {shown(value)}{reason} ({where(path)}); {remedy}")


def unknown(path: str, value: Any, where: Where, kind: str | None = None) -> ConfigError:
    """The error for a key or table nobody knows."""
    what = "table" if isinstance(value, dict) else "key"
    return ConfigError(f"unknown {what} {path} = {shown(value)} ({where(path)}); {suggestion(path, kind)}")
