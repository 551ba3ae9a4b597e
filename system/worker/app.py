"""The Celery application that `celery -A system.worker.app worker` runs.

Signatures are loaded and the engine compiled here, in the parent and before the fork: Celery gives a child four seconds
to start, and a large database takes longer. A child makes its own connection at its first task.
"""

import contextlib
import itertools
import os
import signal
import sys
from collections.abc import Iterator

from celery import Task
from celery.signals import worker_process_init, worker_ready, worker_shutdown

from system.broker import app, keys
from system.broker.connect import client
from system.broker.message import ANALYSE, ANALYSE_RECORDS, PROBE, PROBE_KEPT_S
from system.broker.presence import Presence
from system.engine import registry
from system.settings import from_environment
from system.signatures.loaders import load
from system.worker.child import Child

process = from_environment()
signatures = load(process.system.rules)
engine = registry.build(process.system.engine, signatures, process.system)
celery = app.build(process)

presence = Presence(process, "worker", signatures)

#: Those that have no task in hand. A prefork child has one, and a pool of threads or greenlets as many as run at once.
_resting: list[Child] = []
_numbers = itertools.count()


@contextlib.contextmanager
def child() -> Iterator[Child]:
    """One that nobody else has meanwhile, made where none rests: in a prefork child at its first task."""
    try:
        lent = _resting.pop()  # one step under the interpreter's lock: no two get the same
    except IndexError:
        lent = Child(process, signatures, engine, next(_numbers))
    try:
        yield lent
    finally:
        _resting.append(lent)


@celery.task(name=ANALYSE, ignore_result=True)  # type: ignore[untyped-decorator]
def analyse(ids: list[str]) -> None:
    """Analyses the batches whose payloads lie in Redis under `ids`."""
    with child() as mine:
        mine.analyse(ids)


@celery.task(name=ANALYSE_RECORDS, ignore_result=True)  # type: ignore[untyped-decorator]
def analyse_records(one: str, received: int, published: int, packed_bytes: int, lines: list[str]) -> None:
    """Analyses the records that the message carries."""
    with child() as mine:
        mine.analyse_records(one, received, published, packed_bytes, lines)


@celery.task(name=PROBE, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
def probe(task: Task, token: str) -> None:
    """Says which node took this task, to whoever asks whether it does (system/health/worker.py)."""
    with client(process.redis_url) as redis:
        redis.set(keys.PROBE + token, task.request.hostname, ex=PROBE_KEPT_S)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _place_child(**_: object) -> None:
    if process.system.worker_pool != "prefork":
        return  # solo says so too, of the node itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the parent's to handle
    if process.child_cpus:
        os.sched_setaffinity(0, process.child_cpus)


@worker_ready.connect  # type: ignore[untyped-decorator]
def _say_ready(**_: object) -> None:
    assert sys.__stdout__ is not None  # Celery has put its log in the place of sys.stdout
    presence.__enter__()  # its thread lives in the parent: the children are forked by now, and Celery says when it ends
    print(f"ready node{process.node}", file=sys.__stdout__, flush=True)


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _say_gone(**_: object) -> None:
    presence.__exit__()
