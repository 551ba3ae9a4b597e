"""What a key's type accepts: said in words, and checked on one value.

Type -> `expectation` (the words of error messages and of docs/config.md) and `convert` (the value as the config will
hold it). msgspec decides; on top of it TOML's inf, nan, dates and integers beyond 64 bits are refused everywhere,
free tables included.
"""

import datetime
import math
from typing import Any

import msgspec
from msgspec import inspect

#: The words for a range: what comes before the limit.
LIMITS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))

#: No key holds lists within lists; Celery's deepest settings are tables in lists in tables.
DEEPEST_VALUE = 16


def expectation(accepted: Any) -> str:
    """Gives the words for a type: `an integer >= 1 and <= 1000, or "all"`.

    Args:
        accepted: an annotation as a config's Struct has it.
    """
    return _words(inspect.type_info(accepted))


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType():
            return "an integer" + _range(kind)
        case inspect.FloatType():
            return "a number" + _range(kind)
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            length = f" of at most {kind.max_length} characters" if kind.max_length else ""
            return "a string" + length + (f" matching {kind.pattern}" if kind.pattern else "")
        case inspect.LiteralType():
            return " or ".join(f'"{value}"' for value in kind.values)
        case inspect.VarTupleType():
            return f"a list{' (not empty)' if kind.min_length else ''}, each {_words(kind.item_type)}"
        case inspect.TupleType():
            return f"[{', '.join(map(_words, kind.item_types))}]"
        case inspect.UnionType():
            # A key whose default is None is left out, not written: TOML has no null.
            types = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
            literals_last = sorted(types, key=lambda each: isinstance(each, inspect.LiteralType))
            return ", or ".join(dict.fromkeys(_words(each) for each in literals_last))
        case inspect.DictType() | inspect.StructType():
            return "a table"
        case _:
            raise TypeError(f"{kind} has no words yet: add them here")


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    limits = [(sign, getattr(kind, name)) for name, sign in LIMITS]
    said = [
        f" {sign} {limit:g}" if isinstance(limit, float) else f" {sign} {limit}"
        for sign, limit in limits
        if limit is not None
    ]
    return " and".join(said)


def convert(value: Any, accepted: Any) -> Any:
    """Gives `value` as the type holds it, in plain values again (1 for a float key becomes 1.0).

    Raises:
        msgspec.ValidationError: the value isn't of the type.
    """
    return msgspec.to_builtins(msgspec.convert(value, accepted))


def unfit(value: Any, depth: int = 0) -> str | None:
    """Says why no key takes this value, or anything within it; None where nothing speaks against it."""
    if depth > DEEPEST_VALUE:
        return "nested too deeply"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "beyond 64 bits"
    if isinstance(value, datetime.date | datetime.time):
        return "a date or time, which no key takes"
    if isinstance(value, list | tuple | dict):
        within = value.values() if isinstance(value, dict) else value
        return next((reason for each in within if (reason := unfit(each, depth + 1)) is not None), None)
    return None
