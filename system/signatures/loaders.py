"""From the `rules` of a configuration to signatures: `load(("builtin", "my-pack.toml", "more-rules/"))`.

A rule is "builtin", a file (which loader reads it is decided by its suffix) or a directory of files. A new kind of
file is one new module and one line in `LOADERS`, or an installed package's entry point. Invariants of what `load`
returns: ids are unique and printable, every pattern is in the dialect, and every signature matches its own examples
and not its counter-examples.
"""

import re
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeAlias

from system.signatures.dialect import DialectError, parse
from system.signatures.errors import RulesError
from system.signatures.model import Signature
from system.signatures.pack import load_pack
from system.signatures.regex_list import load_list

__all__ = ["BUILTIN", "LOADERS", "RuleLoader", "RulesError", "load"]

#: Reads one file's signatures, in the file's order. Raises: RulesError.
RuleLoader: TypeAlias = Callable[[Path], Sequence[Signature]]

#: Which loader reads a file, by the file's suffix.
LOADERS: dict[str, RuleLoader] = {
    ".toml": load_pack,
    ".txt": load_list,
    ".list": load_list,
    ".regex": load_list,
}

#: Entry-point group under which an installed package offers further loaders, named by suffix.
GROUP = "caudal.rule_loaders"

#: The files of the rule "builtin", in the order of their signatures' indices.
BUILTIN = tuple(Path(__file__).parent / "rules" / name for name in ("web.toml", "auth.toml", "app.toml"))


def load(rules: Sequence[str]) -> tuple[Signature, ...]:
    """The signatures of all rules, in order; a signature's place is its index in `Hits`.

    Args:
        rules: "builtin", paths of files, or paths of directories, of which every file with a known suffix is read, by
        name.

    Raises: RulesError.
    """
    found: dict[str, tuple[Signature, Path]] = {}
    for rule in rules:
        for path in _files(rule):
            for signature in _loader(path)(path):
                _check(signature, path)
                if signature.id in found:
                    other = found[signature.id][1]
                    raise RulesError(
                        f"{path}: id {signature.id!r} is taken already, by {other}; rename one or drop one"
                    )
                found[signature.id] = (signature, path)
    if not found:
        raise RulesError(
            f'rules must name at least one signature, got {list(rules)!r}; the built-in ones are "builtin"'
        )
    return tuple(signature for signature, _ in found.values())


def _files(rule: str) -> Sequence[Path]:
    if rule == "builtin":
        return BUILTIN
    path = Path(rule)
    if not path.exists():
        raise RulesError(f'rules: {rule!r} must be "builtin" or an existing path; no such file or directory')
    if not path.is_dir():
        return (path,)
    files = sorted(file for file in path.iterdir() if file.suffix in _suffixes() and file.is_file())
    if not files:
        raise RulesError(f"{path}: no rules in this directory; files must end in one of {', '.join(_suffixes())}")
    return files


def _suffixes() -> list[str]:
    return sorted({*LOADERS, *entry_points(group=GROUP).names})


def _loader(path: Path) -> RuleLoader:
    if path.suffix in LOADERS:
        return LOADERS[path.suffix]
    offered = entry_points(group=GROUP)
    if path.suffix in offered.names:
        loader: RuleLoader = offered[path.suffix].load()
        return loader
    raise RulesError(f"{path}: suffix must be one of {', '.join(_suffixes())}, got {path.suffix!r}; rename the file")


def _check(signature: Signature, path: Path) -> None:
    if not re.fullmatch(r"[!-~]+", signature.id):
        raise RulesError(f"{path}: id must be printable ASCII without spaces, got {signature.id!r}; rename it")
    try:
        parsed = parse(signature)
    except DialectError as error:
        raise RulesError(f"{path}: {error}") from error
    pattern = re.compile(parsed.as_written, parsed.flags)
    for lines, matches in ((signature.match, True), (signature.no_match, False)):
        for line in lines:
            if bool(pattern.search(line.encode())) is not matches:
                raise RulesError(
                    f"{path}: signature {signature.id!r} must {'match' if matches else 'not match'} its own example "
                    f"{line!r}; mend the pattern or the example"
                )
