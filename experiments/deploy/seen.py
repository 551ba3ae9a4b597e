"""A process that somebody else started, as far as this machine lets us see it: CPU time, descendants, whether it is gone.

For the parts of a system that was running before (attach.py). Nothing here ends a process.
"""

import psutil

from experiments.deploy.cpu import cpu_s


class SeenProcess:
    """The process `pid` as long as it is the one that it was when this was made."""

    def __init__(self, name: str, pid: int) -> None:
        """Raises: psutil.NoSuchProcess."""
        self.name = name
        self.pid = pid
        self._process = psutil.Process(pid)

    def tree(self) -> list[psutil.Process]:
        """It and its living descendants."""
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu_s(self) -> float:
        """CPU seconds so far of it and all its descendants: of those that ended, what their parents reaped."""
        return cpu_s(self.tree())

    def death(self) -> str | None:
        """That it is gone, None while it runs."""
        return None if self._process.is_running() else f"{self.name} is gone"


def seen(name: str, pid: int, word: str) -> list[SeenProcess]:
    """The process `pid` if it is here and its command line holds `word`; else none: it is somewhere else."""
    try:
        if any(word in one for one in psutil.Process(pid).cmdline()):
            return [SeenProcess(name, pid)]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
    return []
