"""Probe `syscalls`: every system call of each part, counted by the kernel (perf_event on raw_syscalls:sys_enter).

Figure: `syscalls` (counter, from when the probe first saw the process). It costs each call of a counted process about
0.3 us and each call of any other one 0.1 us (2-core AMD EPYC guest, 2026-11), so it isn't among the default probes.
Needs tracefs mounted and the right to use it; else it says why not, and the probe `processes` has the read and write
calls. Threads inherit their counter; a forked process gets its own at the next sample. Source: perf_event_open(2).
"""

import ctypes
import os
import platform
import struct
from collections import defaultdict
from pathlib import Path
from typing import Final

from experiments.probes import procfs
from experiments.probes.parts import members, trees
from experiments.probes.probe import ProbeError, Reading, Watched

_EVENT: Final = Path("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id")
_NUMBER: Final = {"x86_64": 298, "aarch64": 241}
_TRACEPOINT: Final = 2
_ATTR_BYTES: Final = 128
#: Bits of perf_event_attr: `inherit`, and `inherit_thread`, which keeps it to threads of the same process (Linux 5.13).
_FLAGS: Final = 1 << 1 | 1 << 35
_CLOSE_ON_EXEC: Final = 8


class SyscallsProbe:
    """See the module."""

    name = "syscalls"
    least_period_s = 1.0

    def __init__(self, watched: Watched) -> None:
        self.missing: dict[str, str] = {}
        self._watched = watched
        self._counters: dict[tuple[str, int], list[int]] = {}
        try:
            self._event = int(_EVENT.read_text())
        except OSError as error:
            self.missing["syscalls"] = f"{_EVENT}: {error.strerror} (tracefs, as root)"
        if platform.machine() not in _NUMBER:
            self.missing["syscalls"] = f"perf_event_open has no known number on {platform.machine()}"

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        if self.missing:
            return []
        for tree in trees(self._watched):
            for pid, part in members(tree):
                if (part, pid) not in self._counters:
                    self._counters[part, pid] = self._opened(pid)
        totals: dict[str, int] = defaultdict(int)
        for (part, _), files in self._counters.items():
            totals[part] += sum(struct.unpack("<Q", os.read(file, 8))[0] for file in files)
        return [Reading(part, "syscalls", value) for part, value in totals.items()]

    def _opened(self, pid: int) -> list[int]:
        files: list[int] = []
        try:
            tids = procfs.threads(pid)
        except procfs.GONE:
            return files
        for tid in tids:
            try:
                files.append(_open(self._event, tid))
            except ProcessLookupError:
                continue
            except OSError as error:
                for file in files:
                    os.close(file)
                self.missing["syscalls"] = f"perf_event_open: {error.strerror} (perf_event_paranoid, CAP_PERFMON)"
                raise ProbeError(self.missing["syscalls"]) from error
        return files

    def close(self) -> None:
        """Ends the counting."""
        for files in self._counters.values():
            for file in files:
                os.close(file)
        self._counters.clear()


def _open(event: int, tid: int) -> int:
    """A counter of `event` on a thread, on any CPU. Raises: OSError."""
    attributes = bytearray(_ATTR_BYTES)
    struct.pack_into("<IIQQQQQ", attributes, 0, _TRACEPOINT, _ATTR_BYTES, event, 0, 0, 0, _FLAGS)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = (ctypes.c_char * _ATTR_BYTES).from_buffer(attributes)
    number = _NUMBER[platform.machine()]
    file = int(libc.syscall(number, buffer, tid, -1, -1, ctypes.c_ulong(_CLOSE_ON_EXEC)))
    if file < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return file
