"""Publisher `pipelined`: Celery's message written in bulk through redis.asyncio, a group of batches in one script call.

All groups that wait go in one round trip. With the journal, ACCEPT stores, journals and queues atomically; without it a
transaction stores and queues. A timeout is indeterminate (the write may still happen), so nothing is retried here: no
acknowledgement, the agent sends the same chunk again, and the script knows it.

Large payloads go before ACCEPT, in one MSET: through the script's arguments they cost the broker twice the CPU (1.13
against 0.50 s a gigabyte at 250 kB, 2-core EPYC), small ones less. Their keys are used again in each round, so that a
publisher that dies between the two leaves one round of them at most.
"""

import os
import time
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError, RedisError, ResponseError

from system.broker import journal, keys, payload
from system.broker.batch import Batch
from system.broker.connect import asyncio_client
from system.broker.grouping import groups
from system.broker.message import analyse, analyse_records, render
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.broker.resp import Argument, packed
from system.settings import Process

#: Payloads from this size on go by MSET.
STAGED_BYTES: Final = 32 * 1024


class PipelinedPublisher:
    """Writes tasks into Celery's queue without Celery's API; an unmodified Celery worker takes them."""

    def __init__(self, process: Process) -> None:
        self._system = process.system
        self._redis = asyncio_client(process.redis_url)
        self._staging = _staging()
        self.unfinished = 0

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        """See `Publisher`. One round trip, and a second one only for a group with batches that were known."""
        tasks = list(groups(batches, self._system.coalesce, self._system.coalesce_bytes))
        try:
            if self._system.journal:
                return await self._accept(tasks)
            await self._push(tasks)
        except (RedisError, OSError) as error:
            raise BrokerUnavailableError(f"{type(error).__name__}: {error}") from error
        return [Outcome.ACCEPTED] * len(batches)

    async def _accept(self, tasks: Sequence[Sequence[Batch]]) -> list[Outcome]:
        replies = await self._round(tasks, load_first=False)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            replies = await self._round(tasks, load_first=True)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        answers = [journal.accepted(reply) for reply in replies]
        outcomes = [told for told, _ in answers]
        self.unfinished = answers[-1][1]
        late = [
            render(analyse(new))
            for group, told in zip(tasks, outcomes, strict=True)
            if set(told) != {Outcome.ACCEPTED}
            and (new := [batch.id for batch, one in zip(group, told, strict=True) if one is Outcome.ACCEPTED])
        ]
        if late:
            await self._redis.lpush(keys.QUEUE, *late)
        return [one for told in outcomes for one in told]

    async def _round(self, tasks: Sequence[Sequence[Batch]], *, load_first: bool) -> list[Any]:
        published = time.monotonic_ns()
        large = [batch for group in tasks for batch in group if len(batch.packed) >= STAGED_BYTES]
        names = [b"%b:%d" % (self._staging, number) for number in range(len(large))]
        commands: list[list[Argument]] = [[b"SCRIPT", b"LOAD", journal.ACCEPT.source.encode()]] if load_first else []
        if large:
            staging: list[Argument] = [b"MSET"]
            for name, batch in zip(names, large, strict=True):
                staging += (name, payload.pieces(batch, published))
            commands.append(staging)
        following = iter(names)
        for group in tasks:
            message = render(analyse([batch.id for batch in group]))
            staged = [next(following) if len(batch.packed) >= STAGED_BYTES else b"" for batch in group]
            arguments = journal.accept_arguments(group, message, published, staged)
            commands.append([b"EVALSHA", journal.ACCEPT.sha.encode(), *arguments])
        replies = await self._execute(commands)
        for reply in replies[: -len(tasks)]:
            if isinstance(reply, Exception):
                raise reply
        return replies[-len(tasks) :]

    async def _execute(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        """One reply a command, errors of the server among them; all in one round trip, with nothing large copied."""
        pool = self._redis.connection_pool
        connection = await pool.get_connection()
        try:
            await connection.send_packed_command(packed(commands), check_health=False)
            return [await _reply(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)  # what it would read next belongs to these commands
            # They may still be executed, once the network lets them through: under names that are used no more.
            self._staging = _staging()
            raise
        finally:
            await pool.release(connection)

    async def _push(self, tasks: Sequence[Sequence[Batch]]) -> None:
        published = time.monotonic_ns()
        async with self._redis.pipeline(transaction=True) as pipe:
            for group in tasks:
                if self._system.handoff == "arguments":
                    for batch in group:
                        pipe.lpush(keys.QUEUE, render(analyse_records(batch, published)))
                    continue
                for batch in group:
                    pipe.set(keys.PAYLOAD + batch.id, payload.encode(batch, published))
                pipe.lpush(keys.QUEUE, render(analyse([batch.id for batch in group])))
            await pipe.execute()

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()


def _staging() -> bytes:
    """A prefix for the names of payloads on their way that nobody else uses."""
    return keys.STAGED + os.urandom(8).hex().encode()


async def _reply(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
