"""The sweep: `[factors]` -> the levels of every cell.

Each key of `[factors]` holds a list of levels; the keys of one `[[factors.zip]]` move together. The cells are the
cross product of these in the order they are written, the last one varying fastest. Pure: whether a level fits its key
is `config`'s to check.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec

from experiments.design.errors import ConfigError, shown
from experiments.design.tables import CELL_TABLES

#: More cells than anybody can run: a slip in a sweep is an error before it fills the memory.
MOST_CELLS = 10_000

#: Deeper than any key's path: a chain of dots beyond it is not followed.
DEEPEST_PATH = 8


class Factors(msgspec.Struct, frozen=True, kw_only=True):
    """The sweep: groups of factors that move together, each a dict of level lists of one length."""

    groups: tuple[dict[str, list[Any]], ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The factors' dotted paths, in order."""
        return tuple(path for group in self.groups for path in group)

    def cells(self) -> list[dict[str, Any]]:
        """Gives each cell's levels by factor; one cell without levels where nothing is varied.

        Raises:
            ConfigError: there are more than MOST_CELLS.
        """
        rows = [
            [dict(zip(group, levels, strict=True)) for levels in zip(*group.values(), strict=True)]
            for group in self.groups
        ]
        count = 1
        for each in rows:
            count *= len(each)
        if count > MOST_CELLS:
            raise ConfigError(
                f"[factors] must give at most {MOST_CELLS} cells, got {count}; "
                "zip some of the factors, or split the experiment"
            )
        return [
            {path: level for row in combination for path, level in row.items()}
            for combination in itertools.product(*rows)
        ]

    def check_distinct(self, place: str) -> None:
        """Refuses a sweep with two equal cells.

        Raises:
            ConfigError: a factor has a level twice, or a zip a row.
        """
        for group in self.groups:
            seen: set[bytes] = set()
            for row in zip(*group.values(), strict=True):
                identity = _identity(row)
                if identity in seen:
                    level = shown(row[0] if len(row) == 1 else row)
                    raise ConfigError(
                        f"the levels of {' and '.join(group)} must differ, got {level} twice ({place}, [factors]); "
                        "for more trials of a cell raise replicates"
                    )
                seen.add(identity)

    def fixed(self, path: str, value: Any) -> "Factors":
        """Gives the same sweep with one factor held at a single value; rows of a zip that become equal are one."""
        return Factors(groups=tuple(_fixed(group, path, value) for group in self.groups))


def _fixed(group: dict[str, list[Any]], path: str, value: Any) -> dict[str, list[Any]]:
    if path not in group:
        return group
    length = len(group[path])
    held = {each: [value] * length if each == path else levels for each, levels in group.items()}
    kept = {_identity(row): row for row in reversed(list(zip(*held.values(), strict=True)))}
    rows = list(reversed(kept.values()))
    return {each: [row[column] for row in rows] for column, each in enumerate(held)}


def parse_factors(table: Any, place: str) -> Factors:
    """Gives the sweep a config's `[factors]` describes.

    Args:
        table: the table's plain value, None if the config has none.
        place: the file, for messages.

    Raises:
        ConfigError: a factor isn't a list of levels, is empty, repeats one or is named twice; zips differ in length.
    """
    if table is None:
        return Factors()
    where = f"({place}, [factors])"
    if not isinstance(table, dict):
        raise ConfigError(
            f"factors must be a table, got {shown(table)} {where}; write [factors] and a list of levels for each key"
        )
    if not table:
        raise ConfigError(
            f"[factors] must name a factor, got an empty table {where}; "
            'remove it, or add a line like "swarm.batch_size" = [10, 100]'
        )
    zips = table.get("zip", [])
    if not isinstance(zips, list) or not all(isinstance(each, dict) for each in zips):
        raise ConfigError(f"factors.zip must be an array of tables, got {shown(zips)} {where}; write [[factors.zip]]")
    plain = _level_lists({key: value for key, value in table.items() if key != "zip"}, where)
    groups = [{path: levels} for path, levels in plain.items()]
    for each in zips:
        group = _level_lists(each, f"({place}, [[factors.zip]])")
        _check_zip(group, f"({place}, [[factors.zip]])")
        groups.append(group)
    factors = Factors(groups=tuple(groups))
    factors.check_distinct(place)
    _check_paths(factors.paths, where)
    return factors


def _level_lists(table: Mapping[str, Any], where: str, prefix: str = "") -> dict[str, list[Any]]:
    """Gives the lists by dotted path; `swarm.batch_size = [...]` without quotes is a table in a table, and the same."""
    found: dict[str, list[Any]] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value and path.count(".") < DEEPEST_PATH:
            inner = _level_lists(value, where, f"{path}.")
        elif isinstance(value, list) and value:
            inner = {path: value}
        else:
            remedy = (
                "give it a level or remove it"
                if value == []
                else f"for a single level write [{shown(value)}], or set the key in its own table"
            )
            raise ConfigError(f'factor "{path}" must be a list of levels, got {shown(value)} {where}; {remedy}')
        for each, levels in inner.items():
            if each in found:
                raise ConfigError(f'factor "{each}" must be given once, got it twice {where}; keep one of the two')
            found[each] = levels
    return found


def _check_zip(group: dict[str, list[Any]], where: str) -> None:
    if not group:
        raise ConfigError(f"[[factors.zip]] must name factors, got an empty table {where}; remove it")
    lengths = {path: len(levels) for path, levels in group.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f'"{path}" has {length}' for path, length in lengths.items())
        raise ConfigError(
            f"the factors of a [[factors.zip]] must have equally many levels: {said} {where}; add or remove levels"
        )


def _check_paths(paths: tuple[str, ...], where: str) -> None:
    for path in paths:
        if paths.count(path) > 1:
            raise ConfigError(f'factor "{path}" must be given once, got it twice {where}; keep one of the two')
        within = [each for each in paths if each.startswith(f"{path}.")]
        if within:
            raise ConfigError(
                f'factors must not hold one another, got "{path}" and "{within[0]}" {where}; '
                "vary either the table or its keys"
            )
        if path.partition(".")[0] in ("experiment", "factors"):
            raise ConfigError(
                f'factor "{path}" can\'t be varied {where}; a factor is a key of {", ".join(CELL_TABLES)}'
            )


def _identity(row: tuple[Any, ...]) -> bytes:
    """Tells levels apart as TOML does: 1, 1.0, true and "1" are four."""
    return repr(row).encode()
