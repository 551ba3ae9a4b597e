"""The interface of a target: a system under test that can be started, fed, watched and stopped.

The pipeline of `system/` is the first one (local.py); another is one new file.
"""

from typing import Any, NamedTuple, Protocol

from experiments.deploy.process import ChildProcess


class Address(NamedTuple):
    """Where the target takes Forward messages."""

    host: str
    port: int


class Target(Protocol):
    """A running system."""

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

    def parts(self) -> dict[str, list[ChildProcess]]:
        """Its processes by part: broker, gateway, workers, sweeper. For CPU accounting and for faults."""
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
