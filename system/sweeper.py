"""The sweeper: a small process that queues again what is pending but neither queued nor being worked on.

Reads the journal every `sweep_period_s`; age and queue position decide (scripts/sweep.lua). Two sweepers at once do no
harm: a batch that both queue is finished once.
"""

import logging
import signal

from redis.exceptions import RedisError

from system.broker.connect import client, wait_for_broker
from system.broker.journal import Journal
from system.broker.message import analyse, render
from system.broker.presence import Presence
from system.settings import Process, from_environment
from system.stop import Stop

log = logging.getLogger("caudal.sweeper")

#: Most batches that one turn queues: a mistake here must not double a long queue.
MOST_A_TURN = 1000


def sweep(journal: Journal, age_s: float) -> int:
    """One turn: how many batches were queued again. Each runs alone, so that one that kills its worker takes no other."""
    return sum(journal.requeue(one, render(analyse([one])), "swept") for one in journal.lost(age_s, MOST_A_TURN))


def run(process: Process, stop: Stop) -> None:
    """Sweeps until `stop` is set. A broker that doesn't answer is tried again at the next turn."""
    system = process.system
    redis = client(process.redis_url)
    journal = Journal(redis, system.rows_limit)
    while not stop.wait(system.sweep_period_s):
        try:
            swept = sweep(journal, system.sweep_age_s)
        except RedisError as error:
            log.warning("broker unavailable: %s", error)
            continue
        if swept:
            log.info("queued %d lost batches again", swept)
    redis.close()


def main() -> None:
    """`python -m system.sweeper`: sweeps until SIGTERM or SIGINT, from CAUDAL_SETTINGS."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    stop = Stop()
    process = from_environment()
    if process.waits:
        wait_for_broker(process.redis_url, "sweeper")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop.set)
    with Presence(process, "sweeper"):
        run(process, stop)


if __name__ == "__main__":
    main()
