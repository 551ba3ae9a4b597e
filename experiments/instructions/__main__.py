"""`make bench-gate`: counts the instructions of the micro-benchmarks of two commits, and fails if head needs more.

Exit code 0: no more than the threshold, or nothing that runs differs; 1: more, or a benchmark is missing, or one of head's
fails; 2: the base named is no commit; 3: instructions can't be counted here, or one of base's benchmarks fails.
"""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from experiments.gate import commits
from experiments.gate.build import Build, SideError, builds
from experiments.gate.commits import BENCH, GateError
from experiments.gate.slot import Side
from experiments.instructions import callgrind
from experiments.instructions.callgrind import HeadFailsError, ValgrindError
from experiments.instructions.change import Change, changes

FAILED: Final = 1
USAGE: Final = 2
COULD_NOT_COUNT: Final = 3

#: The benchmarks themselves count as code here.
_BENCHMARKS: Final = "tests/bench/"


def base_of(repository: Path) -> str | None:
    """The commit that HEAD is compared with unless one is named: where it left main, on main itself its parent.

    None where there is no commit before HEAD: in a clone of depth 1, or at the first one.
    """
    head = commits.git(repository, "rev-parse", "HEAD")
    for words in (
        ("merge-base", "HEAD", "origin/main"),
        ("merge-base", "HEAD", "main"),
        ("rev-parse", "--verify", "--quiet", "HEAD~1"),
    ):
        try:
            found = commits.git(repository, *words)
        except subprocess.CalledProcessError:
            continue
        if found != head:
            return found
    return None


def compare(repository: Path, base: str | None, head: str) -> list[Change]:
    """Counts both sides at once, a core each. Without a base only head: everything is new.

    Raises: SideError, ValgrindError: there is nothing to compare. HeadFailsError.
    """
    with (
        builds(repository, {"base": base or head, "head": head}) as sides,
        tempfile.TemporaryDirectory(prefix="caudal-bench-") as scratch,
    ):
        _say(f"counting the instructions of {' and '.join(sides if base else ['head'])}: about a minute")

        def counted(side: Build) -> dict[str, float]:
            folder = Path(scratch) / side.side
            folder.mkdir()
            return callgrind.count(side, folder)

        wanted: list[Side] = ["base", "head"] if base else ["head"]
        with ThreadPoolExecutor(len(wanted)) as pool:
            found = dict(zip(wanted, pool.map(counted, (sides[one] for one in wanted)), strict=True))
    accepted = commits.accepted(repository, base, head) if base else []
    allowed = {one.metric: one.change_ratio for one in accepted if one.scenario == BENCH}
    return changes(found.get("base", {}), found["head"], allowed)


def run(repository: Path, named: str | None) -> int:
    """The whole of it; gives the exit code. Raises: GateError, SideError, HeadFailsError, ValgrindError."""
    head = commits.resolve(repository, "HEAD", "HEAD")
    base = commits.resolve(repository, "BASE", named) if named else base_of(repository)
    if base is not None:
        paths = commits.changed(repository, base, head)
        if not commits.runs(paths) and not any(path.startswith(_BENCHMARKS) for path in paths):
            print(f"bench-gate: passed: nothing that runs differs between {base[:12]} and {head[:12]}")
            return 0
    callgrind.require()
    _say(f"base {base[:12] if base else 'none: this clone holds no commit before HEAD'}, head {head[:12]}")
    if commits.git(repository, "status", "--porcelain", "--untracked-files=no"):
        _say("what isn't committed isn't counted")
    found = compare(repository, base, head)
    print("\n".join(map(str, found)))
    failures = [one.failure for one in found if one.failure is not None]
    for failure in failures:
        print(f"FAIL {failure}")
    new = sum(one.what == "new" for one in found)
    told = f"; {new} new benchmarks, which nothing was compared with" if new else ""
    print(f"bench-gate: {f'{len(failures)} failed' if failures else 'passed'}, {len(found) - new} compared{told}")
    return FAILED if failures else 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench-gate", description=__doc__)
    parser.add_argument("--base", metavar="REV", help="the commit to compare with")
    asked = parser.parse_args()
    try:
        return run(commits.top(Path.cwd()), asked.base)
    except GateError as error:
        return _told(error, USAGE)
    except HeadFailsError as error:
        return _told(error, FAILED)
    except (SideError, ValgrindError) as error:
        return _told(error, COULD_NOT_COUNT)
    except KeyboardInterrupt:
        return 130


def _told(error: Exception, code: int) -> int:
    _say(str(error))
    return code


def _say(line: str) -> None:
    print(f"bench-gate: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
