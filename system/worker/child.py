"""The life of a worker child: built once after the fork, one analyst, and a thread that ships late commit stamps."""

import threading
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from system.broker.connect import client
from system.engine.engine import SignatureEngine
from system.settings import Process
from system.signatures.model import Signature
from system.worker.analyst import Analyst

#: How long a commit's instant waits for a next row to carry it.
STAMP_AFTER_S: Final = 0.05


#: A task may wait this long for a broker that stands still: giving up costs the sweeper's age until the batch is queued
#: again. Below the soft time limit of the safe settings, 15 s.
REPLY_S: Final = 12.0


class Child:
    """One prefork child (or thread of a pool without forks): serialises tasks and late stamps on one connection."""

    def __init__(
        self, process: Process, signatures: Sequence[Signature], engine: SignatureEngine, number: int = 0
    ) -> None:
        redis = client(process.redis_url, reply_s=REPLY_S)
        self._analyst = Analyst(process, signatures, engine, redis, number)
        self._lock = threading.Lock()
        self._finished = threading.Event()
        threading.Thread(target=self._ship_stamps, name="stamps", daemon=True).start()

    def analyse(self, ids: list[str]) -> None:
        """The task `caudal.analyse`."""
        with self._lock:
            self._analyst.analyse([one.encode("latin-1") for one in ids])
        self._finished.set()

    def analyse_records(self, one: str, *rest: Any) -> None:
        """The task `caudal.analyse_records`."""
        with self._lock:
            self._analyst.analyse_records(one.encode("latin-1"), *rest)
        self._finished.set()

    def _ship_stamps(self) -> None:
        pause = threading.Event()
        while self._finished.wait():
            self._finished.clear()
            pause.wait(STAMP_AFTER_S)
            if self._finished.is_set():
                continue  # another task came meanwhile and carried the stamp
            with self._lock:
                try:
                    self._analyst.stamp()
                except RedisError:
                    continue  # the row stands; only this commit's instant stays unknown
