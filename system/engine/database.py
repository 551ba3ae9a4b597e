"""Hyperscan databases: compiled once, and kept on the disk where compiling takes long.

A pack of thousands of patterns compiles for seconds to minutes, at the start of each of a sweep's hundreds of trials. A file
holds a hash of the serialised database before it: Hyperscan loads damaged ones. Its name is a hash of the expressions, flags
and numbers, of the library's version and of the processor's features, so that nothing is ever found that wasn't asked for.
What is kept is code to the scanner: a folder or file that somebody else may write is left alone.
"""

import contextlib
import hashlib
import logging
import os
import platform
import stat
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import hyperscan

from system.settings import cache_folder

#: Fewer expressions than this are compiled in milliseconds, and aren't looked for.
LEAST_EXPRESSIONS: Final = 32
#: What compiled faster isn't kept.
LEAST_COMPILE_S: Final = 0.1

_DIGEST_BYTES: Final = 32
_log = logging.getLogger(__name__)


def compiled(expressions: Sequence[bytes], flags: int, numbers: Sequence[int] | None = None) -> hyperscan.Database:
    """The block-mode database of these expressions, from the disk if it lies there.

    Args:
        flags: of every expression.
        numbers: what each reports; without them their places.

    Raises: hyperscan.error if Hyperscan refuses an expression, or all of them together.
    """
    if len(expressions) < LEAST_EXPRESSIONS:
        return _compile(expressions, flags, numbers)
    path = cache_folder() / f"{_name(expressions, flags, numbers)}.hs"
    found = _load(path)
    if found is not None:
        return found
    begun = time.perf_counter()
    database = _compile(expressions, flags, numbers)
    if time.perf_counter() - begun >= LEAST_COMPILE_S:
        _keep(path, database)
    return database


def _compile(expressions: Sequence[bytes], flags: int, numbers: Sequence[int] | None) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=numbers, flags=flags)
    return database


def _name(expressions: Sequence[bytes], flags: int, numbers: Sequence[int] | None) -> str:
    told = hashlib.blake2b(repr((_platform(), flags, numbers)).encode(), digest_size=20)
    for expression in expressions:
        told.update(b"%d:%b" % (len(expression), expression))
    return told.hexdigest()


@cache
def _platform() -> tuple[str, ...]:
    """What a database depends on beside its expressions."""
    features = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return (version("hyperscan"), platform.machine(), platform.system(), features)


def _load(path: Path) -> hyperscan.Database | None:
    """The database in the file; None if there is none that can be trusted."""
    try:
        for one in (path.parent, path):
            if not _ours(one):
                _log.warning("%s can be written by others: compiling instead of reading it; remove it", one)
                return None
        held = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.warning("%s can't be read (%s): compiling instead", path, error)
        return None
    digest, serialised = held[:_DIGEST_BYTES], held[_DIGEST_BYTES:]
    try:
        if _digest(serialised) != digest:
            raise ValueError("its contents are not what was written")
        return hyperscan.loadb(serialised, mode=hyperscan.HS_MODE_BLOCK)
    except (ValueError, hyperscan.error) as error:
        _log.warning("%s is damaged (%s): compiling again", path, error)
        return None


def _ours(path: Path) -> bool:
    told = path.stat()
    return told.st_uid == os.getuid() and not told.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _keep(path: Path, database: hyperscan.Database) -> None:
    serialised = hyperscan.dumpb(database)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours(path.parent):
            return
        temporary.write_bytes(_digest(serialised) + serialised)
        temporary.chmod(0o600)
        temporary.replace(path)
    except OSError as error:  # a full or read-only disk costs the next start its compilation, and nothing else
        _log.warning("%s can't be kept: %s", path, error)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _digest(serialised: bytes) -> bytes:
    return hashlib.blake2b(serialised, digest_size=_DIGEST_BYTES).digest()
