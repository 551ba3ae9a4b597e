"""Reads a plain list: one regular expression a line; blank lines and lines that begin with # are left out.

A signature is named after its file and line (`probes.12`), so that a detection leads back to it. A space at a line's
end belongs to the pattern; for flags, begin the line with (?i) or (?s).
"""

from pathlib import Path

from system.signatures.errors import read_text
from system.signatures.model import Signature


def load_list(path: Path) -> tuple[Signature, ...]:
    """The signatures of a plain list, in its order, of severity medium. Raises: RulesError."""
    lines = read_text(path).split("\n")
    return tuple(
        Signature(id=f"{path.stem}.{number}", pattern=pattern, description=f"line {number} of {path.name}")
        for number, line in enumerate(lines, 1)
        if (pattern := line.removesuffix("\r")).strip() and not pattern.startswith("#")
    )
