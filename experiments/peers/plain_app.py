"""A Celery app as most people write one: `python -m experiments.peers.plain_app work | publish RECORDS_A_TASK`.

Celery's defaults but for no result backend; JSON arguments, each pattern by `re` on each record, and one round trip a task to
count it. The broker's URL is the first line it is told.
"""

import re
import sys
import time
from typing import Any, Final

import redis
from celery import Celery
from celery.signals import worker_ready

from experiments.deploy.placement import count as cpus
from loadgen.model.records.ring import Mix, synthetic
from system.signatures.dialect import canonical, parse
from system.signatures.loaders import load

#: For so long the producer publishes.
PUBLISH_S: Final = 3.0
#: Where tasks count: a hash of `records` and `hits`.
COUNTED: Final = "plain"

celery = Celery("plain")
celery.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
patterns = [re.compile(canonical(parse(one), "re")) for one in load(("builtin",))]


class _Counter:
    """One client a child, made at its first task: a connection doesn't survive a fork."""

    client: Any = None


@celery.task(name="plain.analyse")  # type: ignore[untyped-decorator]
def analyse(lines: list[str]) -> None:
    """Searches every line for every pattern, and counts."""
    if _Counter.client is None:
        _Counter.client = redis.Redis.from_url(celery.conf.broker_url)
    hits = 0
    for line in lines:
        raw = line.encode("latin-1")
        hits += sum(pattern.search(raw) is not None for pattern in patterns)
    pipe = _Counter.client.pipeline()
    pipe.hincrby(COUNTED, "records", len(lines))
    pipe.hincrby(COUNTED, "hits", hits)
    pipe.execute()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _say_ready(**_: object) -> None:
    assert sys.__stdout__ is not None  # Celery has put its log in the place of sys.stdout
    print("ready", file=sys.__stdout__, flush=True)


def _publish(records_a_task: int) -> None:
    lines = [line.decode("latin-1") for line in synthetic(7, 4096, 0.02, Mix.of({"web": 1.0})).lines]
    published, until = 0, time.monotonic() + PUBLISH_S
    while time.monotonic() < until:
        at = published % (len(lines) - records_a_task)
        analyse.apply_async(args=(lines[at : at + records_a_task],))
        published += records_a_task
    print(f"published {published}\ncpu {time.process_time()}", flush=True)


def main() -> None:
    """Works until SIGTERM, or publishes for PUBLISH_S."""
    celery.conf.broker_url = sys.stdin.readline().strip()
    if sys.argv[1] == "publish":
        _publish(int(sys.argv[2]))
    else:
        celery.worker_main(["worker", "--concurrency", str(cpus()), "--loglevel", "WARNING"])


if __name__ == "__main__":
    main()
