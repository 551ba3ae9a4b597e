"""Compressed log files: gzip is read as what it holds, whatever the file is called; other forms are refused by name.

Rotated logs are mostly gzip. Their bytes taken as lines would be shipped and scanned without a complaint, and nothing found.

Source: RFC 1952 and the other formats' first bytes.
"""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, Final

from system.agent.errors import SourceError

GZIP: Final = b"\x1f\x8b"

#: First bytes -> the program that unpacks what begins so.
_OTHERS: Final = {b"BZh": "bzcat", b"\xfd7zXZ\x00": "xzcat", b"\x28\xb5\x2f\xfd": "zstdcat"}

#: As many first bytes as tell the forms apart.
HEAD_BYTES: Final = 6

#: What reading a damaged gzip file raises.
DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error)


def is_gzip(head: bytes, name: str | Path) -> bool:
    """Whether a file with these first bytes is to be inflated.

    Raises:
        SourceError: it is compressed in a form that isn't read here.
    """
    for magic, program in _OTHERS.items():
        if head.startswith(magic):
            raise SourceError(
                f"cannot read {name}: it is compressed; give its lines: `{program} {name} | caudal agent --to ...`, or"
                f" `caudal scan <({program} {name})`"
            )
    return head.startswith(GZIP)


def inflated(file: BinaryIO) -> gzip.GzipFile:
    """The bytes that a gzip file holds, all its members. Reading it may raise `DAMAGED`; `file` stays the caller's."""
    # No buffer of our own around it: what comes before damage would be lost in it.
    return gzip.GzipFile(fileobj=file, mode="rb")


def damaged(name: str | Path, error: Exception) -> SourceError:
    """What to say of a gzip file that breaks off or holds something else."""
    return SourceError(
        f"cannot read on in {name}: its gzip data are damaged or break off ({error}); what came before was read; get a whole"
        f" copy, or check it with `gzip -t {name}`"
    )
