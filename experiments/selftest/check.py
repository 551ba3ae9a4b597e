"""What a check is: a name, the scenes it needs, and a function that compares. A new one is a file in `checks` and a line."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from experiments.selftest.result import Result
from experiments.selftest.seen import Seen


class Check(NamedTuple):
    """`compare` gets the scenes by name, and yields results."""

    name: str
    scenes: tuple[str, ...]
    compare: Callable[[Mapping[str, Seen]], Iterator[Result]]
