"""Which tables and keys a config knows: read off the Structs, so that a new field is a known key at once.

`ROOT` is the whole config but for `[factors]`, which `factors` reads. A table with a `kind` key has one form for
each kind.
"""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from experiments.design.header import Header
from experiments.design.trial_config import TrialConfig


class Key(NamedTuple):
    """One key: its dotted path, the annotation its value is converted by, its default (NODEFAULT: it must be given)."""

    path: str
    accepted: Any
    default: Any


class Table(NamedTuple):
    """One table: its keys and tables by name, in one form for each `kind`; the form of a table without kinds is ""."""

    path: str
    forms: "dict[str, dict[str, Key | Table]]"
    default: Any
    #: An array of tables, `[[faults]]`.
    is_array: bool = False
    #: Any key may stand in it (`[system.celery]`).
    is_free: bool = False

    def names(self, kind: str | None = None) -> "dict[str, Key | Table]":
        """Its keys and tables in the form `kind`, or in all forms together."""
        if kind is not None:
            return self.forms[kind]
        return {name: entry for form in self.forms.values() for name, entry in form.items()}


def find(path: str) -> Key | Table | None:
    """Gives what stands at a dotted path, None if nothing does. What is inside an array of tables has no path."""
    entry: Key | Table = ROOT
    for name in path.split("."):
        if not isinstance(entry, Table) or entry.is_array:
            return None
        if entry.is_free:
            return Key(path, Any, msgspec.NODEFAULT) if name else None
        found = entry.names().get(name)
        if found is None:
            return None
        entry = found
    return entry


def walk(table: Table) -> Iterator[Key | Table]:
    """Gives every key and table under `table`, in the Structs' order; a key of several kinds comes once for each."""
    for form in table.forms.values():
        for entry in form.values():
            yield entry
            if isinstance(entry, Table):
                yield from walk(entry)


def _entry(path: str, accepted: Any, default: Any, *, in_array: bool = False) -> Key | Table:
    if get_origin(accepted) is dict:
        return Table(path, {"": {}}, default, is_free=True)
    structs = _structs(accepted)
    # A table within a row of an array (the arrivals of a class) has no path of its own: it is the row's key.
    if not structs or in_array:
        return Key(path, accepted, default)
    is_array = get_origin(accepted) is tuple
    return Table(path, _forms(path, structs, in_array=is_array), default, is_array=is_array)


def _structs(accepted: Any) -> list[type[msgspec.Struct]]:
    """Gives the Structs an annotation is made of: none for a plain key, several for a table with kinds."""
    if get_origin(accepted) in (Annotated, tuple):
        return _structs(get_args(accepted)[0])
    if get_origin(accepted) in (Union, UnionType):
        return [struct for each in get_args(accepted) for struct in _structs(each)]
    return [accepted] if isinstance(accepted, type) and issubclass(accepted, msgspec.Struct) else []


def _forms(
    path: str, structs: list[type[msgspec.Struct]], *, in_array: bool = False
) -> dict[str, dict[str, Key | Table]]:
    kinds = [struct.__struct_config__.tag for struct in structs]
    tagged = [str(kind) for kind in kinds if kind is not None]
    forms: dict[str, dict[str, Key | Table]] = {}
    for struct, kind in zip(structs, kinds, strict=True):
        form: dict[str, Key | Table] = {}
        if kind is not None:
            form["kind"] = Key(f"{path}.kind", Literal[tuple(tagged)], msgspec.NODEFAULT)
        for field in msgspec.structs.fields(struct):
            default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            name = f"{path}.{field.name}".removeprefix(".")
            form[field.encode_name] = _entry(name, field.type, default, in_array=in_array)
        forms["" if kind is None else str(kind)] = form
    return forms


_CELL = _forms("", [TrialConfig])[""]

#: The config but for its `[factors]`.
ROOT = Table("", {"": {"experiment": _entry("experiment", Header, msgspec.NODEFAULT), **_CELL}}, msgspec.NODEFAULT)

#: The tables a cell is made of: what a factor may vary.
CELL_TABLES = tuple(_CELL)
