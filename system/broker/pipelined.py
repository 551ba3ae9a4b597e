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

from redis.exceptions import NoScriptError, RedisError

from system.broker import journal, keys, payload
from system.broker.batch import Batch
from system.broker.connect import asyncio_client
from system.broker.grouping import groups
from system.broker.message import analyse, analyse_records, render
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.settings import Process

#: Payloads from this size on go by MSET.
STAGED_BYTES: Final = 32 * 1024


class PipelinedPublisher:
    """Writes tasks into Celery's queue without Celery's API; an unmodified Celery worker takes them."""

    def __init__(self, process: Process) -> None:
        self._system = process.system
        self._redis = asyncio_client(process.redis_url)
        self._staging = keys.STAGED + os.urandom(8).hex().encode()

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
        outcomes = [[Outcome(number) for number in reply] for reply in replies]
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
        pipe = self._redis.pipeline(transaction=False)
        if load_first:
            pipe.script_load(journal.ACCEPT.source)
        published = time.monotonic_ns()
        large = [batch for group in tasks for batch in group if len(batch.packed) >= STAGED_BYTES]
        names = [b"%b:%d" % (self._staging, number) for number in range(len(large))]
        if large:
            pipe.mset({name: payload.encode(batch, published) for name, batch in zip(names, large, strict=True)})
        following = iter(names)
        for group in tasks:
            message = render(analyse([batch.id for batch in group]))
            staged = [next(following) if len(batch.packed) >= STAGED_BYTES else b"" for batch in group]
            pipe.evalsha(journal.ACCEPT.sha, *journal.accept_arguments(group, message, published, staged))
        replies: list[Any] = await pipe.execute(raise_on_error=False)
        if large and isinstance(replies[load_first], Exception):
            raise replies[load_first]
        return replies[-len(tasks) :]

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
