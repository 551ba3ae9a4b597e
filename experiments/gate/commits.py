"""What git knows of the two sides: commits, what changed between them, and regressions accepted in a commit's message."""

import re
import subprocess
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import msgspec

from experiments.gate.metric import METRICS

#: What nobody runs: documents, tests, notebooks, results, the projects' forms. Anything else may move a figure.
NOT_RUN: Final = (
    "docs/*", "tests/*", "notebooks/*", "results/*", "*.md", ".github/*", ".gitlab-ci.yml", ".ci/*", ".gitignore", "LICENSE",
    "CITATION.cff",
)  # fmt: skip

TRAILER: Final = "Perf-Accepted"
#: What stands in a trailer for the scenario where a micro-benchmark's instructions are meant (`make bench-gate`).
BENCH: Final = "bench"


class GateError(ValueError):
    """The gate can't be asked this. The message says what to mend."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A regression accepted on purpose: a change (head / base - 1) of one metric, and the commit that says so.

    With the scenario `bench` the metric is a micro-benchmark, and a change of -1 says that it is gone.
    """

    scenario: str
    metric: str
    change_ratio: float
    commit: str


def git(repository: Path, *words: str) -> str:
    """What a git command prints. Raises: subprocess.CalledProcessError."""
    done = subprocess.run(
        ["git", "-C", str(repository), *words], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def top(folder: Path) -> Path:
    """The repository that a folder is in. Raises: GateError."""
    try:
        return Path(git(folder, "rev-parse", "--show-toplevel"))
    except (OSError, subprocess.CalledProcessError):
        raise GateError(f"the gate compares two commits, but {folder} is in no git repository; change to one") from None


def resolve(repository: Path, option: str, revision: str) -> str:
    """The commit of a revision, in full. Raises: GateError."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError:
        raise GateError(
            f"{option} must name a commit of {repository}, got {revision!r}; in CI, fetch it first: "
            "a shallow clone has only one"
        ) from None


def changed(repository: Path, base: str, head: str) -> list[str]:
    """The paths that differ between two commits."""
    return git(repository, "diff", "--name-only", "--no-renames", base, head).splitlines()


def runs(paths: Sequence[str]) -> list[str]:
    """Those of the paths that may move a figure."""
    return [path for path in paths if not any(fnmatch(path, pattern) for pattern in NOT_RUN)]


def accepted(repository: Path, base: str, head: str) -> list[Accepted]:
    """The `Perf-Accepted` trailers of the commits that head has and base hasn't, the latest of a metric counting.

    Raises: GateError for one that can't be read.
    """
    log = git(
        repository,
        "log",
        "--reverse",
        f"--format=%H%x00%(trailers:key={TRAILER},valueonly,separator=%x01)",
        f"{base}..{head}",
    )
    found: dict[tuple[str, str], Accepted] = {}
    for line in log.splitlines():
        commit, _, values = line.partition("\0")
        for value in filter(None, values.split("\1")):
            one = _read(value, commit)
            found[one.scenario, one.metric] = one
    return list(found.values())


def _read(value: str, commit: str) -> Accepted:
    form = re.fullmatch(r"\s*([\w.-]+)/([\w.-]+)\s+([+-]\d+(?:\.\d+)?)\s*%\s*", value)
    metric = METRICS.get(form[2]) if form else None
    change = float(form[3]) / 100 if form else 0.0
    if form is not None and form[1] == BENCH and (change > 0 or change == -1):
        return Accepted(scenario=BENCH, metric=form[2], change_ratio=change, commit=commit)
    worse = metric is not None and (change < 0) == metric.more_is_better and abs(change) < 1
    if form is None or metric is None or not worse:
        raise GateError(
            f"{TRAILER} must be SCENARIO/METRIC and a change for the worse, such as gate-heavy/throughput -6% or "
            f"gate-heavy/cpu +6% (metrics: {', '.join(METRICS)}), or {BENCH}/NAME +6% or -100%, got {value!r} "
            f"(commit {commit[:12]}); "
            "amend that commit's message"
        )
    return Accepted(scenario=form[1], metric=metric.name, change_ratio=change, commit=commit)
