"""The journal: the scripts that guarantee delivery, and what workers and the sweeper do with them.

Celery on Redis alone loses a batch whose worker dies between the pop and kombu's note of it; so every batch stands in
`pending` from before its acknowledgement until its result row exists (docs/adr/0002). Each script is atomic, and each
may be called again after a timeout whose outcome is unknown. The publishers call ACCEPT: `celery` by `run`, `pipelined`
in a pipeline of its own.
"""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple

from redis.exceptions import NoScriptError

from system.broker import keys, payload
from system.broker.batch import Batch
from system.broker.bulk import Argument, Bulk
from system.broker.publisher import Outcome
from system.wire import batch_id as batch_ids
from system.wire.chunk import Chunk

#: For how long the chunk of a client that isn't one of our agents is remembered, in seconds: 88 bytes a chunk in Redis.
FOREIGN_ID_TTL_S: Final = 3600

#: The same for an id that the gateway made up for a batch without one: nobody can send it again, but for the gateway itself.
RANDOM_ID_TTL_S: Final = 60

_ACCEPT_KEYS: Final = tuple(name.encode() for name in (keys.PENDING, keys.QUEUE, keys.HIGH, keys.COUNTERS))

#: Record numbers above this aren't exact in Lua's doubles: such a chunk is treated as another client's.
_MOST_RECORD: Final = 2**53


class Script(NamedTuple):
    """A Lua script and the hash that names it to EVALSHA."""

    source: str
    sha: str


def _load(name: str) -> Script:
    source = (files("system.broker") / "scripts" / f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


ACCEPT: Final = _load("accept")
START: Final = _load("start")
FINISH: Final = _load("finish")
SWEEP: Final = _load("sweep")
REQUEUE: Final = _load("requeue")
APPEND: Final = _load("append")
ALL: Final = (ACCEPT, START, FINISH, SWEEP, REQUEUE, APPEND)


def run(client: Any, script: Script, *arguments: Any) -> Any:
    """Runs a script on a synchronous client; `arguments` begin with the number of keys."""
    try:
        return client.evalsha(script.sha, *arguments)
    except NoScriptError:  # a server that was restarted has forgotten its scripts; nothing was executed
        return client.eval(script.source, *arguments)


def stream(batch_id: bytes, chunk: Chunk) -> bytes:
    """The name under which one run of one agent is deduplicated: its tag, epoch and agent number."""
    tag, _ = batch_ids.split(batch_id)
    return b"%s\0%d\0%d" % (tag, chunk.epoch, chunk.agent)


def accept_arguments(
    batches: Sequence[Batch], message: bytes, published_mono_ns: int, staged: Sequence[bytes] | None = None
) -> list[Any]:
    """What ACCEPT is called with for one group of batches: the number of keys, KEYS and ARGV.

    `staged`: for each batch the key under which its payload lies already, or nothing.
    """
    arguments: list[Any] = [4, *_ACCEPT_KEYS, message]
    for batch, key in zip(batches, staged or [b""] * len(batches), strict=True):
        stored = b"" if key else payload.encode(batch, published_mono_ns)
        chunk = batch.chunk
        if chunk is None or chunk.first + chunk.count >= _MOST_RECORD or chunk.count == 0:
            arguments += [batch.id, b"", FOREIGN_ID_TTL_S if batch.named else RANDOM_ID_TTL_S, 0, stored, key]
        else:
            arguments += [batch.id, stream(batch.id, chunk), chunk.first, chunk.count, stored, key]
    return arguments


def accepted(reply: Sequence[int]) -> tuple[list[Outcome], int]:
    """What ACCEPT answered: one outcome a batch, and how many tasks are unfinished (0 if it added none)."""
    return [Outcome(number) for number in reply[:-1]], reply[-1]


class Finished(NamedTuple):
    """One batch's end as a worker reports it. `given_up`: why it is dead, empty if it was analysed."""

    id: bytes
    row: bytes
    records: int
    detections: bytes
    given_up: str


class Journal:
    """The worker's and the sweeper's side, on a synchronous Redis client."""

    def __init__(self, client: Any, rows_limit: int) -> None:
        self._client = client
        self._bulk = Bulk(client)
        self._rows_limit = rows_limit

    def start(self, ids: Sequence[bytes]) -> tuple[list[int], list[bytes | None]]:
        """Begins a group: the number of the attempt for each id (0: no longer pending) and its payload."""
        wanted: list[Sequence[Argument]] = [
            (b"EVALSHA", START.sha.encode(), 2, keys.PENDING.encode(), keys.ATTEMPTS.encode(), *ids),
            (b"MGET", *(keys.PAYLOAD + one for one in ids)),
        ]
        for load_first in ([], [(b"SCRIPT", b"LOAD", START.source.encode())]):
            *_, attempts, payloads = self._bulk.execute([*load_first, *wanted])
            if isinstance(attempts, NoScriptError) and not load_first:
                continue
            for reply in (attempts, payloads):
                if isinstance(reply, Exception):
                    raise reply
            return attempts, payloads
        raise AssertionError("unreachable: the second round loads the script")

    def payloads(self, ids: Sequence[bytes]) -> list[bytes | None]:
        """What is stored under the ids."""
        (found,) = self._bulk.execute([(b"MGET", *(keys.PAYLOAD + one for one in ids))])
        if isinstance(found, Exception):
            raise found
        return list(found)

    def finish(self, ends: Sequence[Finished]) -> list[int]:
        """Ends a group: 1 for each batch whose row was written now, 0 for one that was finished before."""
        arguments: list[Any] = [self._rows_limit]
        for end in ends:
            arguments += [end.id, end.row, end.records, end.detections, end.given_up]
        names = (keys.PENDING, keys.ATTEMPTS, keys.ROWS, keys.COUNTERS, keys.DETECTIONS, keys.DEAD)
        replies: list[int] = run(self._client, FINISH, len(names), *names, *arguments)
        return replies

    def lost(self, age_s: float, most: int) -> list[bytes]:
        """The ids that are pending but neither queued nor held by a worker."""
        found: list[bytes] = run(self._client, SWEEP, 3, keys.PENDING, keys.QUEUE, keys.UNACKED, age_s, most)
        return found

    def requeue(self, batch_id: bytes, message: bytes, why: Literal["swept", "split"]) -> bool:
        """Queues a task of its own for a batch that is still pending; counted by the reason."""
        names = (keys.PENDING, keys.QUEUE, keys.COUNTERS, keys.ATTEMPTS)
        return bool(run(self._client, REQUEUE, len(names), *names, batch_id, message, why))
