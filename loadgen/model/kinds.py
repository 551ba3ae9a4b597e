"""Registries of tagged structs: the built-in kinds, then those that installed packages offer as entry points.

A config's table names one by `kind`, and msgspec chooses among them; so each kind stands for one class.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint
from typing import TypeVar

import msgspec

Kind = TypeVar("Kind", bound=msgspec.Struct)


def kind_of(struct: type[msgspec.Struct]) -> str:
    """Gives the `kind` under which a config names the struct."""
    return str(struct.__struct_config__.tag)


def collect(
    base: type[Kind], group: str, built_in: Iterable[type[Kind]], offered: Iterable[EntryPoint]
) -> tuple[type[Kind], ...]:
    """Gives the built-in kinds and those offered under the entry-point group, in that order.

    Raises:
        ValueError: an entry point names no subclass of `base`, or a `kind` is offered twice (msgspec couldn't tell them
        apart).
    """
    kinds = {kind_of(struct): struct for struct in built_in}
    for point in offered:
        struct = point.load()
        if not (isinstance(struct, type) and issubclass(struct, base)):
            raise ValueError(
                f"entry point {point.name!r} ({group}) must name a subclass of {base.__name__}, got {point.value};"
                " correct or uninstall the package that offers it"
            )
        kind = kind_of(struct)
        if kinds.setdefault(kind, struct) is not struct:
            raise ValueError(
                f"entry point {point.name!r} ({group}) must offer a new kind, got {kind!r} ({point.value});"
                " there is one already: give the class another tag"
            )
    return tuple(kinds.values())
