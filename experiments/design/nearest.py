"""What somebody meant who wrote an unknown key: the nearest known one, in its table or in another.

The candidates come from `tables`. A name that stands in another table is taken for misplaced before it is taken for
misspelt: `batch_size` under `[experiment]` belongs to `[swarm]`.
"""

import difflib
from collections.abc import Iterable

from experiments.design.tables import ROOT, Table, find, walk

#: difflib's own default: below it two words have little to do with each other.
CUTOFF = 0.6


def nearness(word: str, candidate: str) -> float:
    """Gives how alike two words are, from 0 to 1: 1 if a single slip tells them apart, else difflib's ratio."""
    if one_slip(word, candidate):
        return 1.0
    return difflib.SequenceMatcher(None, candidate, word).ratio()


def one_slip(word: str, other: str) -> bool:
    """Says whether one letter changed, added, left out, or exchanged with its neighbour makes one word the other.

    difflib alone takes pq99 for p99 rather than for p999, though either is one slip away. Words of two letters are all
    alike in this sense, so they don't count.
    """
    if max(len(word), len(other)) < 3 or abs(len(word) - len(other)) > 1:
        return False
    shorter = min(len(word), len(other))
    start = next((place for place in range(shorter) if word[place] != other[place]), shorter)
    left, right = word[start:], other[start:]
    if len(left) != len(right):
        return left[1:] == right or left == right[1:]
    return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])


def closest(word: str, candidates: Iterable[str]) -> list[str]:
    """Gives the candidates nearest to `word`, several if equally near (min_ and max_replicates to mix_replicates).

    An empty list: none is near.
    """
    ratios = {each: nearness(word, each) for each in candidates}
    best = max(ratios.values(), default=0.0)
    return [each for each, ratio in ratios.items() if ratio == best] if best >= CUTOFF else []


def suggestion(path: str, kind: str | None = None) -> str:
    """Gives what to do about the unknown key at `path`.

    Args:
        path: the dotted path as written.
        kind: the form of its table, where that is known.
    """
    parent, _, name = path.rpartition(".")
    table = find(parent) if parent else ROOT
    known = {entry.path: name_of(entry.path) for entry in walk(ROOT)}
    if isinstance(table, Table) and kind is not None and name in table.names():
        owners = [f'"{each}"' for each, form in table.forms.items() if name in form]
        return f'{name} is a key of kind = {" or ".join(owners)}, not of "{kind}"'
    elsewhere = [each for each in known if known[each] == name]
    if elsewhere:
        owners = [title(each.rpartition(".")[0]) for each in elsewhere]
        return f"{name} belongs to {' or '.join(owners)}: the known key is {' or '.join(elsewhere)}"
    # Its own table's keys first: of two equally near ones it is they that were meant.
    entries = table.names().values() if isinstance(table, Table) else ()
    siblings = {entry.path: name_of(entry.path) for entry in entries}
    near = closest(name, siblings.values())
    far = closest(name, known.values())
    if near and nearness(name, near[0]) >= nearness(name, far[0]):
        return f"the nearest known key is {_paths(near, siblings)}"
    if far:
        return f"the nearest known key is {_paths(far, known)}"
    return (
        f"{title(parent)} knows {', '.join(siblings.values()) or 'no key'}" if isinstance(table, Table) else _tables()
    )


def name_of(path: str) -> str:
    """Gives the last name of a dotted path."""
    return path.rpartition(".")[2]


def _paths(names: list[str], known: dict[str, str]) -> str:
    return " or ".join(path for path, name in known.items() if name in names)


def _tables() -> str:
    return f"the tables are {', '.join(ROOT.names())}"


def title(path: str) -> str:
    """Gives a table's name as a config writes it: `[swarm.arrivals]`, `[[faults]]`; `the top level` for the root."""
    if not path:
        return "the top level"
    table = find(path)
    return f"[[{path}]]" if isinstance(table, Table) and table.is_array else f"[{path}]"
