"""The interface of a target: a system under test that can be started, fed, watched and stopped.

The pipeline of `system/` is there twice: started here (local.py), or running already (attach.py). Another is one new file
and one line in `registry`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import psutil


class Address(NamedTuple):
    """Where the target takes Forward messages."""

    host: str
    port: int


class Part(Protocol):
    """A process of the system: one of ours, or one that is only seen."""

    pid: int

    def tree(self) -> list[psutil.Process]:
        """It and its living descendants."""
        ...

    def cpu_s(self) -> float:
        """CPU seconds so far of it and all its descendants."""
        ...

    def death(self) -> str | None:
        """How it ended without having been told to; None if it runs or was stopped."""
        ...


class Target(Protocol):
    """A running system."""

    @property
    def url(self) -> str:
        """The broker's URL, where the result rows are. Only after `start`."""
        ...

    def start(self, *, workers: bool) -> Address:
        """Starts it, and gives where it takes load as soon as it does; `workers`: whether to start them too."""
        ...

    def start_workers(self) -> None:
        """Starts the workers."""
        ...

    def workers_ready(self) -> bool:
        """Whether all the workers that were started take tasks."""
        ...

    def stop_gateway(self, grace_s: float) -> None:
        """Stops what takes load; what it accepted stays, and what is under way may end within `grace_s`."""
        ...

    def stop_workers(self, grace_s: float) -> None:
        """Stops the workers: what they run may end within `grace_s`, nothing new begins."""
        ...

    def parts(self) -> Mapping[str, Sequence[Part]]:
        """Its processes by part: broker, gateway, workers, sweeper; as far as they are seen. For CPU and faults."""
        ...

    def counters(self) -> dict[str, int]:
        """What the system counted itself: queued, pending, unacked, repeat_executions, rows_dropped and the like."""
        ...

    def left(self) -> set[bytes]:
        """Ids of the batches that are accepted and not analysed."""
        ...

    def describe(self) -> dict[str, Any]:
        """Versions and placement, for the manifest."""
        ...

    def stop(self, grace_s: float) -> None:
        """Ends everything, in any state: politely, and after `grace_s` for good."""
        ...
