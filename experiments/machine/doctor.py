"""What on a machine would spoil a measurement: each check reads something and says what that would do, and how to mend it.

Nothing is changed. A new check is a function here and its name in `CHECKS`; it gives nothing where the machine doesn't tell.
"""

import os
import platform
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, NamedTuple

import psutil

from experiments.deploy import broker
from experiments.deploy.placement import available
from experiments.deploy.process import ProcessError
from experiments.machine import inventory

Level = Literal["good", "mind", "stop"]


class Finding(NamedTuple):
    """One line of the doctor's. `mind`: figures suffer; `stop`: nothing can be measured here."""

    level: Level
    text: str


def judged(good: bool, text: str, harm: str) -> Finding:
    """A finding whose harm and remedy are told only if there is one."""
    return Finding("good", text) if good else Finding("mind", f"{text}: {harm}")


#: Free memory below which a backlog may push the machine into swap; free disk that a long run's tables may need.
LEAST_MEMORY_BYTES: Final = 2 << 30
LEAST_DISK_BYTES: Final = 1 << 30
#: Other processes' share of all cores above which runs get noisy, one process's share of a core that is worth its name.
MOST_BUSY_RATIO: Final = 0.10
NAMED_RATIO: Final = 0.20
#: 10,000 agents take a connection at either end, and a few hundred files beside them.
FILES: Final = 20_500
BACKLOG: Final = 4096
PORTS: Final = 20_000
#: Clocks that are read without a system call; every other makes a time stamp cost a microsecond.
FAST_CLOCKS: Final = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")


def cores() -> Iterator[Finding]:
    """How many CPUs, whether processes can be pinned to them, and whether a quota cuts them short."""
    cpus = available()
    count = len(cpus) or os.cpu_count() or 1
    yield judged(count >= 4, f"{count} CPUs", "swarm and system share them; compare ratios within one run")
    yield judged(
        bool(cpus),
        "processes can be pinned" if cpus else "no pinning here",
        "every figure is unpinned; use Linux for pinned ones",
    )
    physical = psutil.cpu_count(logical=False)
    if physical and physical < (os.cpu_count() or 1):
        yield Finding("mind", f"SMT: {os.cpu_count()} threads on {physical} cores; siblings are placed last")
    quota, _, period = (inventory.read_text("/sys/fs/cgroup/cpu.max") or "max").partition(" ")
    if quota != "max":
        share = int(quota) / int(period)
        yield judged(
            share >= count, f"a cgroup quota of {share:g} CPUs",
            f"less than the {count} that are seen: processes are halted; raise it, or lower system.worker_cores",
        )  # fmt: skip


def clocks() -> Iterator[Finding]:
    """The frequency governor and the clock source, where the machine tells."""
    governor = inventory.read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor is not None:
        yield judged(
            governor == "performance", f"frequency governor {governor}",
            "clock rates wander; cpupower frequency-set -g performance",
        )  # fmt: skip
    source = inventory.read_text("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source is not None:
        yield judged(
            source in FAST_CLOCKS, f"clock source {source}", "reading the time is slow; boot with clocksource=tsc"
        )


def noise() -> Iterator[Finding]:
    """What else runs, and what the hypervisor takes: watched for a second."""
    others = [one for one in psutil.process_iter() if one.pid != os.getpid()]
    for one in others:
        _cpu_ratio(one)
    before = psutil.cpu_times()
    busy = psutil.cpu_percent(interval=1.0) / 100
    after = psutil.cpu_times()
    named = sorted(((_cpu_ratio(one), one) for one in others), key=lambda found: -found[0])
    worst = [f"{_name(one)} (pid {one.pid}, {ratio:.0%} of a core)" for ratio, one in named[:3] if ratio > NAMED_RATIO]
    who = f", most of it {', '.join(worst)}" if worst else ""
    yield judged(
        busy < MOST_BUSY_RATIO, f"{busy:.0%} of the CPUs are busy with something else{who}", "stop it, or expect noise"
    )
    load = os.getloadavg()[0]
    count = os.cpu_count() or 1
    yield judged(load < count / 2, f"load average {load:.1f}", f"work waits for {count} CPUs; let it come to rest")
    total = sum(after) - sum(before)
    steal = (getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)) / total if total else 0.0
    yield judged(
        steal < 0.02,
        f"{steal:.1%} of CPU time stolen by the hypervisor",
        "other guests slow this one; take a dedicated host",
    )


def _cpu_ratio(one: psutil.Process) -> float:
    """CPU use of a process since the last look, in cores; 0 if it is gone or may not be looked at."""
    try:
        return float(one.cpu_percent()) / 100
    except psutil.Error:
        return 0.0


def _name(one: psutil.Process) -> str:
    try:
        return str(one.name())
    except psutil.Error:
        return "?"


def memory() -> Iterator[Finding]:
    """Free memory and disk, swap in use, and huge pages, which make Redis's latency jump."""
    free = psutil.virtual_memory().available
    yield judged(
        free > LEAST_MEMORY_BYTES, f"{free / 2**30:.1f} GiB of memory free", "a backlog lies in memory; free some"
    )
    swapped = psutil.swap_memory().used
    yield judged(
        swapped < 64 << 20, f"{swapped / 2**20:.0f} MiB swapped out",
        "what is swapped in again stalls; swapoff -a, if memory allows",
    )  # fmt: skip
    disk = shutil.disk_usage(Path.cwd()).free
    yield judged(
        disk > LEAST_DISK_BYTES, f"{disk / 2**30:.1f} GiB free on this disk", "a run's tables need room; use --out"
    )
    pages = inventory.read_text("/sys/kernel/mm/transparent_hugepage/enabled")
    if pages is not None:
        yield judged(
            "[always]" not in pages, f"transparent huge pages {pages}",
            "Redis's latency jumps; echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        )  # fmt: skip


def network() -> Iterator[Finding]:
    """Open files, connections that may wait, and ports: what many agents take."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield judged(hard >= FILES, f"up to {hard:,} open files", f"10,000 agents need {FILES:,}; raise ulimit -Hn")
    waiting = inventory.read_text("/proc/sys/net/core/somaxconn")
    if waiting is not None:
        yield judged(
            int(waiting) >= BACKLOG, f"{int(waiting):,} connections may wait to be accepted",
            f"a fleet that connects at once is refused; sysctl net.core.somaxconn={BACKLOG}",
        )  # fmt: skip
    ports = inventory.read_text("/proc/sys/net/ipv4/ip_local_port_range")
    if ports is not None:
        first, last = map(int, ports.split())
        yield judged(
            last - first >= PORTS, f"{last - first + 1:,} ports for outgoing connections",
            "10,000 agents and those that just left run out; sysctl net.ipv4.ip_local_port_range='10000 65000'",
        )  # fmt: skip


def programs() -> Iterator[Finding]:
    """The server, without which nothing runs; the parts that make it fast; the tools that tests compare with."""
    yield _server()
    for module, use in (
        ("hyperscan", "engine hyperscan is missing: the profile tuned needs another engine"),
        ("uvloop", "gateway and swarm run on asyncio's own loop, at about half the speed"),
        ("re2", "engine re2 is missing (nothing else needs it)"),
    ):
        yield judged(find_spec(module) is not None, module, f"{use}; pip install it, if there is one for this machine")
    for name, use in (("valgrind", "counting of instructions"), ("loggen", "comparison with loggen")):
        yield judged(shutil.which(name) is not None, name, f"not installed: no {use} here (nothing else needs it)")


def _server() -> Finding:
    try:
        path = broker.program(None)
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError, broker.BrokerError, ProcessError) as error:
        return Finding(
            "stop", f"the embedded server doesn't run: {error}; name another in deploy.redis_server, or use --redis"
        )
    return Finding("good", f"embedded server for {platform.machine()}: {' '.join(done.stdout.split()[:3])}")


CHECKS: Final[tuple[Callable[[], Iterator[Finding]], ...]] = (cores, clocks, noise, memory, network, programs)
