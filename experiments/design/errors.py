"""The one error of the design: a config that can't be run, said in one line.

Every message gives the key's name, its value, what is expected, the place (file and table) and what to do.
"""

from typing import Any

from experiments.design.redact import redacted

#: Longer values are cut in messages: a list of a thousand levels would bury the expectation.
VALUE_CHARACTERS = 80


class ConfigError(ValueError):
    """A config, override or factor that can't be run: one line, meant for the person who wrote it."""

    def __init__(self, message: str) -> None:
        super().__init__(redacted(message).replace("\r", "\\r").replace("\n", "\\n"))


def shown(value: Any, depth: int = 0) -> str:
    """`value` as a person would write it in TOML, cut to VALUE_CHARACTERS."""
    if depth > VALUE_CHARACTERS:
        text = "..."
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    elif isinstance(value, list | tuple):
        # One more than is shown is enough: a nested list of millions must not be written out to be cut.
        text = "[" + ", ".join(shown(each, depth + 1) for each in value[:VALUE_CHARACTERS]) + "]"
    elif isinstance(value, dict):
        text = (
            "{"
            + ", ".join(f"{key} = {shown(each, depth + 1)}" for key, each in list(value.items())[:VALUE_CHARACTERS])
            + "}"
        )
    else:
        text = written(value)
    return text if len(text) <= VALUE_CHARACTERS else text[: VALUE_CHARACTERS - 3] + "..."


def written(value: Any) -> str:
    """A number, date or other scalar as text; Python refuses to write integers of thousands of digits."""
    if isinstance(value, int) and value.bit_length() > 4000:
        return f"an integer of {value.bit_length()} bits"
    return str(value)
