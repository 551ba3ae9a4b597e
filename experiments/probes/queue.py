"""Probe `queue`: how much waits in the broker, all of one moment.

Figures of part `broker`, each a number at the instant: `queued_tasks` (messages in Celery's queue), `held_tasks` (messages
that a worker node holds: prefetched, and with late acknowledgement also running), `pending_batches` (in the journal: from
Accept to Finish), `waiting_rows` (result rows that the recorder hasn't taken). With `coalesce` a task is up to so many
batches: tasks and batches are then two different queues, and Little's law takes each with its own arrivals.
"""

import redis

from experiments.probes.probe import ProbeError, Reading, Watched
from system.broker import keys


class QueueProbe:
    """See the module."""

    name = "queue"
    least_period_s = 0.0

    def __init__(self, watched: Watched) -> None:
        self.missing: dict[str, str] = {}
        self._client = watched.client

    def sample(self) -> list[Reading]:
        """See `Probe`."""
        pipe = self._client.pipeline(transaction=True)
        pipe.llen(keys.QUEUE)
        pipe.hlen(keys.UNACKED)
        pipe.zcard(keys.PENDING)
        pipe.llen(keys.ROWS)
        try:
            queued, held, pending, rows = pipe.execute()
        except redis.RedisError as error:
            raise ProbeError(f"the broker didn't answer: {error}") from error
        return [
            Reading("broker", "queued_tasks", queued),
            Reading("broker", "held_tasks", held),
            Reading("broker", "pending_batches", pending),
            Reading("broker", "waiting_rows", rows),
        ]

    def close(self) -> None:
        """Holds nothing: the client is the sampler's."""
