"""The one way into an experiment: a config file, the command line's overrides, and every cell decoded and checked.

Text -> plain values, each key known and of its type -> for each cell: profile < config < factors -> `TrialConfig`.
Nothing is run and nothing is guessed: what can't be run is a ConfigError here, for any cell, before the first one
starts.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from experiments.design.checks import RulesCheck, load_error, problems
from experiments.design.decode import Where, check, check_value, unknown
from experiments.design.document import anchored, locate, parse, read
from experiments.design.errors import ConfigError
from experiments.design.experiment import Cell, Experiment
from experiments.design.factors import Factors, parse_factors
from experiments.design.header import ADAPTIVE, Header, replication
from experiments.design.hypothesis import check_hypotheses
from experiments.design.nearest import title
from experiments.design.overrides import parse_overrides
from experiments.design.tables import CELL_TABLES, ROOT, Key, Table, find
from experiments.design.trial_config import TrialConfig
from system.settings import PROFILES, SystemSettings


def load(config: str, overrides: Sequence[str] = ()) -> Experiment:
    """Gives the experiment a command's CONFIG and `--set` options describe.

    Args:
        config: a TOML file's path, or the name of a config in experiments/configs.
        overrides: `KEY=VALUE` texts, the last of a key counting.

    Raises:
        ConfigError: it can't be run; one line with name, value, expectation, place and remedy.
    """
    path = locate(config)
    return decode(read(path), source=str(path), folder=path.resolve().parent, overrides=overrides)


def decode(text: str, *, source: str, folder: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Gives the experiment of a config's text.

    Args:
        text: TOML.
        source: what messages call it; its last part is sealed with the results, without the machine's folders.
        folder: what the config's relative paths start from; an override's start from the working folder.
        overrides: as for `load`.

    Raises:
        ConfigError: as for `load`.
    """
    document = parse(text, source)
    given = {name: value for name, value in document.items() if name != "factors"}
    check(ROOT, given, lambda path: f"{source}, {_table_title(path)}", complete=False)
    factors = parse_factors(document.get("factors"), source)
    factors = _levels_checked(factors, source, folder)
    values = _overrides_checked(parse_overrides(overrides), factors)
    for path, value in values.items():
        factors = factors.fixed(path, value)
    layers = Layers(source, anchored(given, folder), values)
    header = _header(layers)
    levels = factors.cells()
    check_hypotheses(header.hypotheses, levels, f"{source}, [[experiment.hypotheses]]")
    rules_error = cache(load_error)  # for this call only: somebody may mend the rules and decode again
    return Experiment(
        name=header.name,
        question=header.question,
        seed=header.seed,
        replication=replication(header, layers.where("experiment.replicates", {})),
        cells=tuple(Cell(index=index, levels=each) for index, each in enumerate(levels)),
        configs=tuple(_trial_config(layers, each, rules_error) for each in levels),
        source=Path(source).name,
        overrides=tuple(overrides),
        steps=header.steps,
        hypotheses=header.hypotheses,
    )


class Layers(NamedTuple):
    """What a cell is made of, lowest first after the profile: the config's own keys, the overrides, the factors."""

    source: str
    given: dict[str, Any]
    overrides: dict[str, Any]

    def merged(self, levels: Mapping[str, Any]) -> dict[str, Any]:
        """Gives the plain values of the cell with these levels, the profile's beneath them all."""
        document = copy.deepcopy(self.given)
        for path, value in (*self.overrides.items(), *levels.items()):
            _put(document, path, copy.deepcopy(value))
        system = document.get("system", {})
        # A profile nobody knows, or a [system] that is no table, is left for `check` to refuse.
        if isinstance(system, dict):
            profile = system.get("profile", SystemSettings().profile)
            if isinstance(profile, str):
                document["system"] = _over(PROFILES.get(profile, {}), system)
        return document

    def where(self, path: str, levels: Mapping[str, Any]) -> str:
        """Gives the place a key's value comes from: factor, override, config, or profile."""
        if any(_covers(factor, path) for factor in levels if factor not in self.overrides):
            return f"{self.source}, [factors]"
        if any(_covers(override, path) for override in self.overrides):
            return "command line, --set"
        profile = self.merged(levels).get("system", {}).get("profile", SystemSettings().profile)
        name = path.removeprefix("system.")
        if name != path and name not in self.given.get("system", {}) and name in PROFILES.get(profile, {}):
            return f'profile "{profile}"'
        return f"{self.source}, {_table_title(path)}"


def _header(layers: Layers) -> Header:
    """Gives the checked `[experiment]` table; --set of one way to say how many replicates replaces the other way."""
    table = layers.merged({}).get("experiment", {})
    own = {path.partition(".")[2] for path in layers.overrides if path.startswith("experiment.")}
    if "replicates" in own:
        table = {name: value for name, value in table.items() if name not in ADAPTIVE or name in own}
    elif own & set(ADAPTIVE):
        table = {name: value for name, value in table.items() if name != "replicates"}
    check(_table("experiment"), table, lambda path: layers.where(path, {}), complete=True)
    return msgspec.convert(table, Header)


def _trial_config(layers: Layers, levels: dict[str, Any], rules_error: RulesCheck) -> TrialConfig:
    document = {name: value for name, value in layers.merged(levels).items() if name != "experiment"}
    cell = f", cell {Cell(index=0, levels=levels).label()}" if levels else ""

    def where(path: str) -> str:
        return f"{layers.where(path, levels)}{cell}"

    for name in CELL_TABLES:
        entry = _table(name)
        if name in document or entry.default is msgspec.NODEFAULT:
            check(entry, document.get(name, {}), where, complete=True)
    try:
        config = msgspec.convert(document, TrialConfig)
    except msgspec.ValidationError as error:
        raise _refused(error, where) from error
    for problem in problems(config, rules_error):
        raise ConfigError(f"{problem.path} {problem.wrong} ({where(problem.path)}); {problem.remedy}")
    return config


def _refused(error: msgspec.ValidationError, where: Where) -> ConfigError:
    """The error for values a Struct itself refused: its message, with the whole path and the place put in.

    Its `__post_init__` says `arrivals.rate_per_s must be > 0, got -3.0; ...`; msgspec adds " - at `$.swarm.arrivals`".
    """
    message, _, at = str(error).partition(" - at `$.")
    table = at.rstrip("`")
    wrong, _, remedy = message.partition("; ")
    key = wrong.partition(" ")[0]
    name = key.rpartition(".")[2]
    wrong = f"{table}.{name}{wrong[len(key) :]}" if "." in key else f"{table}: {wrong}"
    return ConfigError(f"{wrong} ({where(f'{table}.{name}')}); {remedy or 'docs/config.md says what it means'}")


def _levels_checked(factors: Factors, source: str, folder: Path) -> Factors:
    """Gives the factors with each level of its key's type and its paths absolute."""
    place = f"{source}, [factors]"
    groups = []
    for group in factors.groups:
        checked = {}
        for path, levels in group.items():
            entry = _known(path, levels, place)
            checked[path] = [_plain(entry, anchored(level, folder, path), place) for level in levels]
        groups.append(checked)
    converted = Factors(groups=tuple(groups))
    converted.check_distinct(source)  # once more: 1 and 1.0 are one level of a number
    return converted


def _overrides_checked(values: dict[str, Any], factors: Factors) -> dict[str, Any]:
    checked = {}
    for path, value in values.items():
        entry = _known(path, value, "command line, --set")
        above = [factor for factor in factors.paths if factor != path and _covers(factor, path)]
        if above:
            raise ConfigError(
                f'--set {path} must not be inside a factor, got the factor "{above[0]}" (command line); '
                f"set {above[0]} as a whole"
            )
        checked[path] = _plain(entry, anchored(value, Path.cwd(), path), "command line, --set")
    return checked


def _known(path: str, value: Any, place: str) -> Key | Table:
    entry = find(path)
    if entry is None:
        raise unknown(path, value, lambda _: place)
    return entry


def _plain(entry: Key | Table, value: Any, place: str) -> Any:
    if isinstance(entry, Table):
        check(entry, value, lambda _: place, complete=False)
        return value
    return check_value(entry, value, lambda _: place)


def _table(name: str) -> Table:
    entry = ROOT.names()[name]
    assert isinstance(entry, Table), f"{name} is a table of the Structs"
    return entry


def _covers(path: str, other: str) -> bool:
    return other == path or other.startswith((f"{path}.", f"{path}["))


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *tables, name = path.split(".")
    for each in tables:
        document = document.setdefault(each, {})
    document[name] = value


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(below))
    for name, value in above.items():
        beneath = merged.get(name)
        merged[name] = _over(beneath, value) if isinstance(beneath, dict) and isinstance(value, dict) else value
    return merged


def _table_title(path: str) -> str:
    """`swarm.batch_size` stands in `[swarm]`, `faults[0].at_s` in `[[faults]]`."""
    return title(path.partition("[")[0] if "[" in path else path.rpartition(".")[0])
