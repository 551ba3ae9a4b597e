"""Publisher `celery`: the ordinary `apply_async`, what most projects would write, in one thread beside the event loop.

With the journal on: journal first, then publish, then acknowledge; if the gateway dies in between, the sweeper queues
the batch. `handoff = "arguments"` puts the decoded records into the message, as the original design does.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from kombu.exceptions import OperationalError
from redis.exceptions import NoPermissionError, RedisError

from system.broker import app, journal, keys, payload
from system.broker.batch import Batch
from system.broker.connect import client
from system.broker.grouping import groups
from system.broker.message import ANALYSE, ANALYSE_RECORDS, TaskCall, analyse, analyse_records
from system.broker.publisher import BrokerUnavailableError, Outcome
from system.settings import Process


class NotPermittedError(RuntimeError):
    """The broker's user may not do what Celery's API does. The message says what to choose."""


def verify(process: Process) -> None:
    """Declares the queue, as each publish does first: what is refused then is refused for good, and no outage to wait for.

    Raises: NotPermittedError.
    """
    with app.build(process) as celery, celery.connection_for_write() as connection:
        try:
            celery.amqp.queues[keys.QUEUE].bind(connection.default_channel).declare()
        except NoPermissionError as error:
            raise NotPermittedError(
                f'system.publisher "celery" needs more than the Redis user may do: {error}; choose "pipelined", or a user '
                "with all rights"
            ) from None


class CeleryPublisher:
    """Publishes through Celery's API, one task at a time."""

    def __init__(self, process: Process) -> None:
        self._system = process.system
        self._redis = client(process.redis_url)
        self._celery = app.build(process)
        # Signatures without the task's code: the gateway knows the names alone.
        self._tasks = {name: self._celery.signature(name) for name in (ANALYSE, ANALYSE_RECORDS)}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publish")

    async def publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        """See `Publisher`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._publish, batches)
        except (RedisError, OperationalError, OSError) as error:
            raise BrokerUnavailableError(f"{type(error).__name__}: {error}") from error

    def _publish(self, batches: Sequence[Batch]) -> list[Outcome]:
        published = time.monotonic_ns()
        if self._system.handoff == "arguments":
            for batch in batches:
                self.call(analyse_records(batch, published))
            return [Outcome.ACCEPTED] * len(batches)
        outcomes = self._journal(batches, published) if self._system.journal else self._store(batches, published)
        new = [batch for batch, one in zip(batches, outcomes, strict=True) if one is Outcome.ACCEPTED]
        for group in groups(new, self._system.coalesce, self._system.coalesce_bytes):
            self.call(analyse([batch.id for batch in group]))
        return outcomes

    def _journal(self, batches: Sequence[Batch], published_mono_ns: int) -> list[Outcome]:
        arguments = journal.accept_arguments(batches, b"", published_mono_ns)
        return journal.accepted(journal.run(self._redis, journal.ACCEPT, *arguments))[0]

    def _store(self, batches: Sequence[Batch], published_mono_ns: int) -> list[Outcome]:
        self._redis.mset({keys.PAYLOAD + batch.id: payload.encode(batch, published_mono_ns) for batch in batches})
        return [Outcome.ACCEPTED] * len(batches)

    def call(self, call: TaskCall) -> None:
        """Sends one task call the ordinary way."""
        self._tasks[call.task].apply_async(args=call.args, task_id=call.id, headers=call.headers, ignore_result=True)

    async def close(self) -> None:
        """Ends the thread and closes the connections."""
        await asyncio.to_thread(self._thread.shutdown)
        self._celery.close()
        self._redis.close()
