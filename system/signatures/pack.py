"""Reads a pack: a TOML file with one `[[signature]]` table for each signature, keys as in `system.signatures.model`.

A misspelt key, a value of the wrong type or TOML that doesn't parse is an error; nothing is passed over.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from system.signatures.errors import RulesError, read_text
from system.signatures.model import Signature


def load_pack(path: Path) -> tuple[Signature, ...]:
    """The signatures of a TOML pack, in its order. Raises: RulesError."""
    try:
        tables = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(
            f"{path}: not TOML: {error}; patterns go between ''' and ''', where a backslash is itself"
        ) from error
    _check_keys(tables, ("signature",), f"{path}: the pack")
    entries = tables.get("signature", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RulesError(f"{path}: signature must be tables, got {entries!r}; head each with [[signature]]")
    return tuple(_signature(entry, path, number) for number, entry in enumerate(entries, 1))


def _signature(entry: dict[str, Any], path: Path, number: int) -> Signature:
    where = f"{path}: signature {entry.get('id', f'number {number}')!r}"
    _check_keys(entry, Signature.__struct_fields__, where)
    try:
        return msgspec.convert(entry, Signature)
    except msgspec.ValidationError as error:
        raise RulesError(f"{where}: {error}; see system/signatures/model.py for the keys and their values") from error


def _check_keys(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
            raise RulesError(f"{where}: unknown key {key!r}; did you mean {near!r}? Keys are {', '.join(known)}")
