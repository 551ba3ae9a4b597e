"""Calls the micro-benchmarks of one commit and marks where each begins and ends. Runs as a script, mostly under callgrind.

    counter.py process        those whose only argument is `counted`: instructions of this process, marked by `os.ctermid`
    counter.py server URL     those that take `redis` too: that server's, marked by ECHO; without URL it prints their names

Each body is called once to fill caches, N times and 2 N times, with a mark before, between and behind. Prints the names in
their order. It belongs to neither commit, and imports nothing of the project but the benchmarks in tests/bench of the commit
whose interpreter runs it. Without callgrind it only sees that they pass. One that fails ends it with 1 and its name at the
end of standard error.
"""

import gc
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

#: Calls between the first two marks; twice as many follow. More on a server, whose clock ticks in between.
CALLS: Final = {"process": 5, "server": 20}

#: What a benchmark takes, by what is counted.
WANTED: Final = {"process": ("counted",), "server": ("counted", "redis")}


def counted(mark: Callable[[], object], calls: int) -> Callable[[Callable[[], Any]], Any]:
    """The `counted` that a benchmark takes: runs its body, and marks."""

    def run(body: Callable[[], Any]) -> Any:
        body()
        mark()
        for _ in range(calls):
            body()
        mark()
        for _ in range(2 * calls):
            found = body()
        mark()
        return found

    return run


def benchmarks(arguments: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., None]]]:
    """Names (FILE.TEST without their `test_`) and functions of the benchmarks that take just these, in order."""
    for path in sorted(Path("tests/bench").glob("test_*.py")):
        text = path.read_text("utf-8")
        if "counted" not in text:  # held to goals in seconds
            continue
        module = import_module(f"tests.bench.{path.stem}")
        for name, one in vars(module).items():
            if name.startswith("test_") and tuple(inspect.signature(one).parameters) == arguments:
                yield f"{path.stem}.{name}".replace("test_", ""), one


def main() -> None:
    """Runs them all. A collection of garbage comes between two benchmarks, never within one."""
    what, *urls = sys.argv[1:]
    mark: Callable[[], object] = os.ctermid
    given: tuple[Any, ...] = ()
    if urls:
        import redis

        client = redis.Redis.from_url(urls[0])
        given = (client,)
        mark = lambda: client.echo(b"")  # noqa: E731
    found = list(benchmarks(WANTED[what]))
    if what == "server" and not urls:
        print("\n".join(name for name, _ in found))
        return
    gc.disable()
    for name, one in found:
        if given:
            given[0].flushall()
        gc.collect()
        try:
            one(counted(mark, CALLS[what]), *given)
        except Exception as error:  # noqa: BLE001 - whatever a benchmark raises, it failed
            traceback.print_exc()
            sys.exit(f"{name} fails: {type(error).__name__} {error}".split("\n")[0].strip())
        print(name)


if __name__ == "__main__":
    main()
