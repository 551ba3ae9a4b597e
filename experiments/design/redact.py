"""Passwords in the URLs of a config, taken out: a result is passed around, and a command line is shown."""

import re
from typing import Any, Final

_PASSWORD: Final = re.compile(r"((?:redis|rediss|unix)://[^:/@\s]*:)[^@\s]*@")


def redacted(value: Any) -> Any:
    """The same text, or plain value of dicts and sequences of texts, with `***` for every password in a Redis URL."""
    if isinstance(value, str):
        return _PASSWORD.sub(r"\1***@", value)
    if isinstance(value, dict):
        return {name: redacted(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(one) for one in value]
    return value
