"""The Celery app: one for the workers and for the publisher that goes through Celery's own API."""

from typing import Any

from celery import Celery
from celery.app.defaults import NAMESPACES, flatten

from system.settings import Process

#: Every setting Celery knows, by its lower-case name.
KNOWN_SETTINGS = frozenset(name for name, _ in flatten(NAMESPACES))


#: What the hand-off relies on, and no experiment may change: where messages are, how they look, that there are no results.
OWN_SETTINGS = frozenset(
    {
        "accept_content",
        "broker_read_url",
        "broker_url",
        "broker_write_url",
        "result_backend",
        "task_default_queue",
        "task_ignore_result",
        "task_protocol",
        "task_serializer",
    }
)


def build(process: Process) -> Celery:
    """The app on the process's Redis, with the settings of `[system.celery]` on top of ours.

    JSON only and no result backend: whoever can write to the queue can run a registered task and nothing else, and what
    a task found is written by our own script.
    """
    settings: dict[str, Any] = {
        "broker_url": process.redis_url,
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        **process.system.celery,
    }
    app = Celery("caudal", set_as_current=False)
    app.conf.update(settings)
    return app
