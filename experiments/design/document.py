"""A config's text: found by path or name, read, and parsed as TOML.

`quickstart` -> experiments/configs/quickstart.toml -> plain values, the paths in them made absolute. What the values
mean is `config`'s.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

from experiments.design.errors import ConfigError, shown
from experiments.design.nearest import closest

#: The configs that are run by name.
CONFIGS = Path(__file__).resolve().parent.parent / "configs"

#: The keys that hold paths of files, and the words among them that are no paths.
PATH_KEYS = (
    "swarm.records.paths", "swarm.arrivals.path", "swarm.classes.arrivals.path", "system.rules", "deploy.redis_server",
)  # fmt: skip
#: Arrays of tables in which such keys stand.
ARRAYS = ("swarm.classes",)
NOT_PATHS = ("builtin",)


def names() -> list[str]:
    """Gives the names of the configs in experiments/configs, sorted."""
    return sorted(each.stem for each in CONFIGS.glob("*.toml"))


def locate(config: str) -> Path:
    """Gives the file a command's CONFIG means: a path, or the name of a config in experiments/configs.

    Raises:
        ConfigError: no file has the path, or no config the name.
    """
    path = Path(config)
    is_path = path.suffix == ".toml" or len(path.parts) != 1
    if not is_path and config in names():
        return CONFIGS / f"{config}.toml"
    if path.is_file():
        return path
    if len(path.parts) == 1 and path.stem in names() and not path.exists():
        return CONFIGS / f"{path.stem}.toml"
    if path.is_dir():
        raise ConfigError(f"CONFIG must be a TOML file, got the folder {shown(config)}; name a file in it")
    if is_path and path.exists():
        return path  # a pipe or device: whether it can be read shows when it is
    near = closest(path.stem, names())
    remedy = f"the nearest of those there is {near[0]}; " if near else ""
    missing = "there is no such file" if is_path else "experiments/configs has none of that name"
    raise ConfigError(
        f"CONFIG must be a TOML file or the name of a config, got {shown(config)}: {missing}; "
        f"{remedy}by name there are {', '.join(names())}"
    )


#: No config is longer: what is, is some other file, or a device without an end.
MOST_BYTES: Final = 1_000_000


def read(path: Path) -> str:
    """Gives a config's text. Raises: ConfigError if it can't be read or isn't UTF-8."""
    try:
        with path.open("rb") as file:
            read = file.read(MOST_BYTES + 1)
        if len(read) > MOST_BYTES:
            raise ConfigError(
                f"the config {path} must be a TOML file of at most {MOST_BYTES:,} bytes, got more; name a config"
            )
        return read.decode("utf-8-sig")  # -sig: editors on Windows write a mark that TOML refuses
    except OSError as error:
        raise ConfigError(
            f"the config {path} can't be read: {error.strerror}; check that it exists and may be read"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"the config {path} must be UTF-8, got the byte {error.object[error.start]:#04x} at {error.start}; "
            "save it as UTF-8"
        ) from error


def parse(text: str, place: str) -> dict[str, Any]:
    """Gives a config's plain values.

    Raises:
        ConfigError: the text isn't TOML; the message has the line.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(
            f"{place} is nested too deeply to be a config; no key takes lists within lists within lists"
        ) from error
    except ValueError as error:
        # Not only TOMLDecodeError: an integer of thousands of digits or an impossible date is a plain ValueError.
        raise ConfigError(f"{place} is not TOML: {error}; quote strings, and write each key once") from error


def anchored(value: Any, folder: Path, path: str = "") -> Any:
    """Gives the value with the files in it as absolute paths.

    Args:
        value: what stands at `path`: a table, or a key's value.
        folder: what relative paths start from.
        path: its dotted path; empty for a whole config.
    """
    if isinstance(value, dict) and path.count(".") < 3:
        return {name: anchored(each, folder, f"{path}.{name}".removeprefix(".")) for name, each in value.items()}
    if isinstance(value, list) and path in ARRAYS:
        return [anchored(each, folder, path) for each in value]
    if path not in PATH_KEYS:
        return value
    if isinstance(value, list):
        return [_absolute(each, folder) for each in value]
    return _absolute(value, folder)


def _absolute(value: Any, folder: Path) -> Any:
    if not isinstance(value, str) or not value or value in NOT_PATHS:
        return value
    return os.path.abspath(folder / value)
