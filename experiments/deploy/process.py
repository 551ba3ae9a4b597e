"""One child process of a deployment: started in a group of its own, its output kept in a log, ended by pid.

Everything that the harness starts goes through here, so that it can end all of it: first politely, then for good, the
whole group.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from experiments.deploy.cpu import cpu_s

_LAUNCH: Final = str(Path(__file__).with_name("launch.py"))
#: How long a process may take to end before it is started again.
_AGAIN_S: Final = 5.0


class ProcessError(RuntimeError):
    """A process didn't start or ended too soon. The message ends with its last words, `code` is its exit code if it ended."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class ChildProcess:
    """A running command. Its standard output is read line by line, its standard error goes to `folder/NAME.log`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        cpus: Sequence[int] = (),
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()), ",".join(map(str, cpus)), *command]
        self._environment = {**os.environ, **environment}
        self.log.write_bytes(b"")
        self._begin()

    def _begin(self) -> None:
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self._environment
            )
        self.pid = self._popen.pid
        self._stopped = False
        #: When a line that began with this word came first.
        self.heard_mono_ns: dict[str, int] = {}
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name=f"read {self.name}", daemon=True)
        self._reader.start()

    def again(self) -> None:
        """Starts the same command once more, once it has ended; with a new pid, and the same log."""
        self.stop(grace_s=_AGAIN_S)
        self._begin()

    def _read(self) -> None:
        # Closed here: by another thread, it would be under the read. That may last, if a process that left has the pipe.
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip("\n")
                self.heard_mono_ns.setdefault(text.partition(" ")[0], time.monotonic_ns())
                self._lines.put(text)
        self._lines.put(None)

    def expect(self, word: str, deadline_s: float) -> str:
        """The rest of the next output line that begins with `word`.

        Raises: ProcessError if the process ends first, or says nothing of the kind within `deadline_s`.
        """
        until = time.monotonic() + deadline_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise ProcessError(
                    f"{self.name} did not say `{word}` within {deadline_s:g} s{self._last_words()}"
                ) from None
            if line is None:
                code = self._popen.wait()
                raise ProcessError(f"{self.name} ended with code {code} before `{word}`{self._last_words()}", code)
            if line.startswith(word):
                return line[len(word) :].strip()

    def said(self, word: str) -> str | None:
        """Like `expect`, without waiting: None if no such line has come yet."""
        while True:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return None
            if line is None:
                return None
            if line.startswith(word):
                return line[len(word) :].strip()

    def tell(self, line: str) -> None:
        """Writes a line to its standard input; a process that is gone already needs no telling."""
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.write(line.encode() + b"\n")
            self._popen.stdin.flush()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._popen.poll() is None

    def death(self) -> str | None:
        """How it ended without having been stopped: its code and its last words. None if it runs or was stopped."""
        if self.alive or self._stopped:
            return None
        code = self._popen.returncode
        if code < 0:
            return f"{self.name} was killed by {signal.Signals(-code).name}"
        return f"{self.name} ended with code {code}{self._last_words()}"

    def check_alive(self) -> None:
        """Raises: ProcessError if it ended without having been stopped."""
        if (death := self.death()) is not None:
            raise ProcessError(death, self._popen.returncode)

    def _last_words(self) -> str:
        words = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f": {words[-1]}" if words else ""

    def cpu_s(self) -> float:
        """CPU seconds so far of it and all its descendants: of those that ended, what their parents reaped."""
        return cpu_s(self.tree())

    def tree(self) -> list[psutil.Process]:
        """It and its living descendants."""
        try:
            top = psutil.Process(self.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self, grace_s: float = 5.0, number: int = signal.SIGTERM) -> None:
        """Ends it and everything in its group: by `number`, and after `grace_s` by SIGKILL."""
        self._stopped = True
        family = self.tree()
        if self.alive:
            self._popen.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for one in family:  # a descendant may have left the group
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self._popen.wait()
        psutil.wait_procs(family, timeout=grace_s)
        self._reader.join(grace_s)
        assert self._popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._popen.stdin.close()
