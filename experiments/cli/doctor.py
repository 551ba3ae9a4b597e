"""`caudal doctor`: what on this machine would spoil a measurement, and what is missing."""

import os
import platform
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click
import psutil
from rich.console import Console
from rich.markup import escape

from experiments import machine
from experiments.deploy import broker
from experiments.deploy.placement import available


class Finding(NamedTuple):
    """One line of the doctor's: good, or what it would do to a measurement and how to mend it."""

    good: bool
    text: str


#: Free memory below which a backlog may push the machine into swap.
LEAST_MEMORY_BYTES: Final = 2 << 30
#: Other processes' share of all cores above which runs get noisy.
MOST_BUSY_RATIO: Final = 0.10


def cores() -> Iterator[Finding]:
    """How many CPUs, and whether processes can be pinned to them."""
    cpus = available()
    count = len(cpus) or os.cpu_count() or 1
    yield Finding(
        count >= 4,
        f"{count} CPUs" + ("" if count >= 4 else ": swarm and system share them; compare ratios within one run"),
    )
    yield Finding(
        bool(cpus),
        "processes can be pinned" if cpus else "no pinning here: every figure is unpinned; use Linux for pinned ones",
    )
    physical = psutil.cpu_count(logical=False)
    if physical and physical < (os.cpu_count() or 1):
        yield Finding(False, f"SMT: {os.cpu_count()} threads on {physical} cores; siblings are placed last")


def governor() -> Iterator[Finding]:
    """The frequency governor, where the machine tells."""
    name = machine.read_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if name is not None:
        yield Finding(
            name == "performance", f"frequency governor {name}" + ("" if name == "performance" else ": set performance")
        )


def noise() -> Iterator[Finding]:
    """What else runs, and what the hypervisor takes."""
    before = psutil.cpu_times()
    busy = psutil.cpu_percent(interval=1.0) / 100
    after = psutil.cpu_times()
    yield Finding(
        busy < MOST_BUSY_RATIO,
        f"{busy:.0%} of the CPUs are busy with something else"
        + ("" if busy < MOST_BUSY_RATIO else ": stop it, or expect noise"),
    )
    total = sum(after) - sum(before)
    steal = (getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)) / total if total else 0.0
    yield Finding(steal < 0.02, f"{steal:.1%} of CPU time stolen by the hypervisor")


def memory() -> Iterator[Finding]:
    """Free memory, and huge pages, which make Redis's latency jump."""
    free = psutil.virtual_memory().available
    yield Finding(free > LEAST_MEMORY_BYTES, f"{free / 2**30:.1f} GiB of memory free")
    pages = machine.read_text("/sys/kernel/mm/transparent_hugepage/enabled")
    if pages is not None:
        yield Finding(
            "[always]" not in pages,
            "transparent huge pages: " + pages + (": set madvise" if "[always]" in pages else ""),
        )


def limits() -> Iterator[Finding]:
    """Open files: one a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Finding(
        hard >= 20_500,
        f"up to {hard:,} open files" + ("" if hard >= 20_500 else ": 10,000 agents need 20,500 (ulimit -Hn)"),
    )


def programs() -> Iterator[Finding]:
    """The server and the engine."""
    yield Finding(True, f"embedded server {Path(broker.program(None)).name} for {platform.machine()}")
    for name, use in (("valgrind", "counting of instructions"), ("loggen", "comparison with loggen")):
        there = shutil.which(name) is not None
        yield Finding(
            there, f"{name} " + ("found" if there else f"is not installed: no {use} here (nothing else needs it)")
        )


CHECKS: Final[tuple[Callable[[], Iterator[Finding]], ...]] = (cores, governor, noise, memory, limits, programs)


@click.command()
def doctor() -> None:
    """Look for what would spoil a measurement on this machine, and say how to mend it. Changes nothing."""
    console = Console(highlight=False, soft_wrap=True)
    described = machine.describe()
    console.print(f"{described['cpu_model']}, {described['kernel']}, Python {described['python']}", style="bold")
    for check in CHECKS:
        for finding in check():
            console.print(
                ("[green]good[/green]   " if finding.good else "[yellow]mind[/yellow]   ") + escape(finding.text)
            )
