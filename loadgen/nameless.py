"""A file without a name, for what would fill memory: nothing of it stays, however the process ends."""

import tempfile
import weakref
from pathlib import Path
from typing import IO


def nameless(owner: object, folder: Path | None = None) -> IO[bytes]:
    """Opened in `folder`, or where temporary files lie; gone with its owner."""
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as its owner is there
    weakref.finalize(owner, file.close)
    return file
