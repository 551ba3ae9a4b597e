"""`--set KEY=VALUE` of the command line: a key of the config, overridden for one run.

Text -> (dotted path, value). VALUE is TOML (`12`, `0.5`, `true`, `["a.log"]`, `{kind = "poisson", rate_per_s =
100.0}`); what isn't is taken as a string, so that nobody has to quote twice (`system.engine=re`).
"""

import tomllib
from collections.abc import Sequence
from typing import Any

from experiments.design.errors import ConfigError, shown

#: A text that begins like one of TOML's quoted or bracketed values was meant as TOML.
TOML_STARTS = ("[", "{", '"', "'")


def parse_overrides(texts: Sequence[str]) -> dict[str, Any]:
    """Gives the values by dotted path; a path given twice has the last one's, as the last word of a command line has.

    Raises:
        ConfigError: a text isn't KEY=VALUE, or its VALUE is broken TOML.
    """
    return dict(parse_override(text) for text in texts)


def parse_override(text: str) -> tuple[str, Any]:
    """Gives one override's dotted path and value. Raises: ConfigError, as `parse_overrides`."""
    path, equals, written = text.partition("=")
    path, written = path.strip(), written.strip()
    if not equals or not path or not written:
        raise ConfigError(
            f"--set takes KEY=VALUE, got {shown(text)} (command line); for example --set swarm.batch_size=100"
        )
    try:
        document = tomllib.loads(f"value = {written}")
    except (ValueError, RecursionError) as error:
        if written.startswith(TOML_STARTS):
            raise ConfigError(
                f"--set {path} must be a TOML value, got {shown(written)} (command line): {error}; "
                f"strings within brackets need quotes, and the shell needs quotes around all of it"
            ) from error
        return path, written
    if list(document) != ["value"]:
        raise ConfigError(
            f"--set {path} must be one value, got {shown(written)} (command line); give each key its own --set"
        )
    return path, document["value"]
