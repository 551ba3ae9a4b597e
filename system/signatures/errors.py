"""The error of everything that loads rules, and the one way to read a rules file."""

from pathlib import Path


class RulesError(ValueError):
    """Rules that can't be loaded: one line with the file, the signature, the value and the remedy."""


def read_text(path: Path) -> str:
    """The text of a rules file. Raises: RulesError if it can't be read or isn't UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RulesError(f"{path}: can't be read: {error.strerror}; give a readable file") from error
    except UnicodeDecodeError as error:
        raise RulesError(
            f"{path}: not UTF-8 at byte {error.start}; write other bytes as escapes, such as \\xe9"
        ) from error
