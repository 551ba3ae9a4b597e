"""One side's system as a target: the same deployment as ever, with that side's interpreter and settings.

Before any load its processes must have announced the version that this harness speaks: result rows and keys of another
version would be read wrongly, or not at all.
"""

import time
from pathlib import Path
from typing import Final

from experiments.deploy.local import LocalDeployment
from experiments.deploy.placement import Placement
from experiments.deploy.process import ProcessError
from experiments.gate.build import Build
from experiments.gate.side_settings import SideSettings
from system.broker.presence import VERSION, OtherVersionError, present

#: A process announces itself when it starts, from a thread of its own: so long after all said that they are ready.
_ANNOUNCE_S: Final = 5.0


class SideDeployment(LocalDeployment):
    """The system of `side`, told `settings`. `rules` fingerprints the signatures that its workers scan with, once ready."""

    # -P: or a `system` in the folder where the gate runs would be taken for the side's.

    def __init__(
        self, side: Build, settings: SideSettings, placement: Placement, folder: Path, server: str | None
    ) -> None:
        super().__init__(
            settings.seen,
            placement,
            folder,
            redis_server=server,
            python=(str(side.python), "-P"),
            environment=settings.environment,
        )
        self._ready_at: float | None = None
        self.rules: str | None = None
        #: Why its processes can't be spoken to; None if they can.
        self.unspoken: str | None = None

    def workers_ready(self) -> bool:
        """See `Target`: and everybody has announced the right version. Raises: ProcessError."""
        if not super().workers_ready():
            return False
        self._ready_at = self._ready_at or time.monotonic()
        try:
            found = present(self.client())
        except (OtherVersionError, ValueError) as error:
            raise self._refused(str(error)) from None
        if {"gateway", "worker"} <= {one.part for one in found}:
            self.rules = next(one.rules for one in found if one.part == "worker")
            return True
        if time.monotonic() > self._ready_at + _ANNOUNCE_S:
            raise self._refused(
                "its processes announce no version of the keys and result rows, this Caudal speaks "
                f"{VERSION}: it is older than that"
            )
        return False

    def _refused(self, why: str) -> ProcessError:
        self.unspoken = why
        return ProcessError(why)
