"""Both sides built alike: each commit in a git worktree, with an environment of its own, at paths of equal length.

An environment is an empty venv whose one path file names the worktree and, where both sides' lock files are the running
Caudal's, the packages that Caudal itself runs with: then nothing is installed and no network is needed. Otherwise both sides
get their own locked packages. A worktree is no installation: what a side runs is exactly its commit's files.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from experiments.gate.commits import git
from experiments.gate.slot import SIDES, Side

_LOCK: Final = Path("requirements") / "run.lock"
_INSTALL_S: Final = 1800.0


class SideError(RuntimeError):
    """A side can't be built, run or spoken to: there is nothing to compare. The message says which and why."""


class Build(NamedTuple):
    """One side: its commit, its files, and the interpreter that runs them and no other Caudal's."""

    side: Side
    commit: str
    root: Path
    python: Path

    def error(self, what: str, why: str) -> SideError:
        """The error that says that this side can't be built, run or spoken to."""
        return SideError(f"{self.side} ({self.commit[:12]}) can't be {what}: {why}")


@contextlib.contextmanager
def builds(repository: Path, commits: Mapping[Side, str]) -> Iterator[dict[Side, Build]]:
    """Both sides, as long as the block runs; what was built goes with it.

    Raises: SideError.
    """
    workspace = Path(tempfile.mkdtemp(prefix="caudal-gate-"))
    try:
        # base and head have as many letters, so that no path of one side is longer.
        found = {side: _checked_out(repository, side, commits[side], workspace / side) for side in SIDES}
        shared = _shared_packages([one.root for one in found.values()])
        for one in found.values():
            _furnish(one, shared)
        yield found
    finally:
        for side in SIDES:
            _tidied(repository, "remove", "--force", str(workspace / side))
        shutil.rmtree(workspace, ignore_errors=True)
        _tidied(repository, "prune")


def _tidied(repository: Path, *words: str) -> None:
    """A worktree that git can't forget takes no verdict back: the next `git worktree prune` does it."""
    with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
        git(repository, "worktree", *words)


def _checked_out(repository: Path, side: Side, commit: str, root: Path) -> Build:
    one = Build(side, commit, root, root / ".venv" / "bin" / "python")
    try:
        git(repository, "worktree", "add", "--detach", str(root), commit)
    except subprocess.CalledProcessError as error:
        raise one.error("built", _last_line(error.stderr)) from None
    except subprocess.TimeoutExpired as error:
        raise one.error("built", f"git took more than {error.timeout:g} s to check it out") from None
    if not (root / "system").is_dir():
        raise one.error("built", "it has no folder system/, where the pipeline is")
    return one


def _shared_packages(roots: list[Path]) -> list[str]:
    """The folders of the packages that this Caudal runs with, if every side is locked to the same ones; else none."""
    own = _locked(Path(__file__).resolve().parents[2])
    if own is None or any(_locked(root) != own for root in roots):
        return []
    return [path for path in sys.path if path and any(Path(path).glob("*.dist-info"))]


def _locked(root: Path) -> bytes | None:
    try:
        return (root / _LOCK).read_bytes()
    except OSError:
        return None


def _furnish(one: Build, shared: list[str]) -> None:
    """Gives a side its environment. Raises: SideError."""
    folder = one.root / ".venv"
    try:
        venv.create(folder, with_pip=not shared, symlinks=True)
    except subprocess.CalledProcessError:
        raise one.error("built", "Python's ensurepip gives it no pip; install it (Debian: python3-venv)") from None
    if not shared:
        _call(
            one,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            str(one.root / _LOCK),
        )
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "gate.pth").write_text("\n".join([str(one.root), *shared]) + "\n")
    _call(one, "-m", "compileall", "-q", "system")  # or the first slot of each process would do it
    where = _call(one, "-P", "-c", "import system; print(system.__path__[0])")
    if Path(where).resolve() != (one.root / "system").resolve():
        raise one.error("built", f"its environment runs the system of {where}")


def _call(one: Build, *words: str) -> str:
    try:
        done = subprocess.run(
            [str(one.python), *words], cwd=one.root, capture_output=True, text=True, check=True, timeout=_INSTALL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise one.error("built", str(error)) from None
    except subprocess.CalledProcessError as error:
        raise one.error("built", _last_line(error.stderr)) from None
    return done.stdout.strip()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
