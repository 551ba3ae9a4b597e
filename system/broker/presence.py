"""Who is there: each process of the system announces itself in Redis, so that others can say what it is they measure.

A hash of one JSON text a process, renewed every few seconds by a thread of its own: `version` first, because all the
rest may mean something else in another version. Ages count by Redis's clock, so that no two hosts must agree on theirs.
"""

import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec
from redis.exceptions import RedisError

from system.broker import keys
from system.broker.connect import client
from system.settings import Process, SystemSettings
from system.signatures.model import Signature

#: What a harness and a system must agree in: the result row, the keys in Redis, the announcement. Raised by one when any
#: of them changes its meaning.
VERSION: Final = 1

#: Seconds between two announcements, and the age from which a process counts as gone.
PERIOD_S: Final = 5.0
GONE_S: Final = 4 * PERIOD_S

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

Part = Literal["gateway", "worker", "sweeper"]


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What one process says of itself.

    `clock` names the CLOCK_MONOTONIC that its instants are of; `rules` is the fingerprint of its signatures (workers
    alone have some); `concurrency` counts a worker node's children.
    """

    version: int = VERSION
    part: Part
    host: str
    pid: int
    clock: str
    node: int
    concurrency: int
    settings: SystemSettings
    rules: str | None = None

    @property
    def name(self) -> str:
        """How messages call it: `worker 0 on web1, pid 4711`."""
        number = f" {self.node}" if self.part == "worker" else ""
        return f"{self.part}{number} on {self.host}, pid {self.pid}"


class OtherVersionError(ValueError):
    """A process speaks another version. The message says which, and what to do."""


def clock_name() -> str:
    """The name of this machine's CLOCK_MONOTONIC: containers on one kernel share it, and processes of one boot."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # no Linux: there, one host is one clock
        return socket.gethostname()


def fingerprint(signatures: Sequence[Signature]) -> str:
    """Names a list of signatures: the same ids, patterns and flags in the same order, or another name."""
    told = [(one.id, one.pattern, one.ignore_case, one.dot_all) for one in signatures]
    return hashlib.blake2b(msgspec.json.encode(told), digest_size=8).hexdigest()


def present(redis: Any) -> list[Announcement]:
    """The processes that announced themselves within GONE_S, in the order of their names.

    Raises: OtherVersionError if one of them speaks another version.
    """
    now_s = redis.time()[0]
    found = []
    for name, text in redis.hgetall(keys.PROCESSES).items():
        at_s, _, said = text.partition(b" ")
        if now_s - int(at_s) > GONE_S:
            continue
        version = msgspec.json.decode(said).get("version")
        if version != VERSION:
            raise OtherVersionError(
                f"{name.decode()} speaks version {version} of the keys and result rows, this Caudal speaks {VERSION}: "
                "use the Caudal that the system was started with"
            )
        found.append(msgspec.json.decode(said, type=Announcement))
    return sorted(found, key=lambda one: one.name)


class Presence:
    """Announces this process until it is left. Begin it where no fork follows: a fork has no threads."""

    def __init__(self, process: Process, part: Part, signatures: Sequence[Signature] = ()) -> None:
        self.announcement = Announcement(
            part=part,
            host=socket.gethostname(),
            pid=os.getpid(),
            clock=clock_name(),
            node=process.node,
            concurrency=process.concurrency,
            settings=process.system,
            rules=fingerprint(signatures) if signatures else None,
        )
        self._redis = client(process.redis_url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def _announce(self) -> None:
        said = msgspec.json.encode(self.announcement)
        self._redis.hset(keys.PROCESSES, self.announcement.name, b"%d %s" % (self._redis.time()[0], said))

    def _run(self) -> None:
        while True:
            with contextlib.suppress(RedisError):  # those that need Redis say so; this is told again at the next turn
                self._announce()
            if self._stop.wait(PERIOD_S):
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the announcement back, if Redis still answers."""
        self._stop.set()
        self._thread.join()
        with contextlib.suppress(RedisError):  # without Redis: the announcement will be too old soon
            self._redis.hdel(keys.PROCESSES, self.announcement.name)
        self._redis.close()
