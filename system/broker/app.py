"""The Celery app: one for the workers and for the publisher that goes through Celery's own API."""

from typing import Any, Final

from celery import Celery
from celery.app.defaults import NAMESPACES, flatten
from kombu.transport.redis import Channel

from system.settings import Process

_TYPES: Final[dict[object, type | tuple[type, ...]]] = {
    "string": str,
    "str": str,
    "bytes": str,
    "bool": bool,
    "int": int,
    int: int,
    "float": (int, float),
    "dict": dict,
    "list": list,
    "tuple": list,
    "any": object,
}

#: Every setting Celery knows, by its lower-case name, with the types it takes.
KNOWN_SETTINGS: Final = {name: _TYPES[option.type] for name, option in flatten(NAMESPACES)} | {
    "task_default_delivery_mode": (str, int),  # declared a string, and a number by default
    "task_default_priority": int,  # likewise
    "broker_heartbeat_checkrate": (int, float),  # declared an int, and 3.0 by default
}

#: Every option of kombu's Redis transport, with the types of its default; one without a default takes any.
TRANSPORT_OPTIONS: Final[dict[str, type | tuple[type, ...]]] = {
    name: (int, float) if type(default) is int else object if default is None else type(default)
    for name in Channel.from_transport_options
    for default in (getattr(Channel, name, None),)
}

_LEAVE: Final = "leave it out: where messages lie and how they look is fixed"

#: What the hand-off relies on, and no experiment may change, with what to do instead.
OWN_SETTINGS: Final = dict.fromkeys(
    (
        "accept_content",
        "result_backend",
        "task_default_queue",
        "task_ignore_result",
        "task_protocol",
        "task_serializer",
    ),
    _LEAVE,
) | {
    **dict.fromkeys(
        ("broker_read_url", "broker_url", "broker_write_url"), "leave it out; deploy.redis_url names another broker"
    ),
    "worker_pool": "set system.worker_pool",
    "worker_concurrency": "set system.worker_concurrency",
}

#: The same among the transport's options: the names of keys, and the form of messages.
OWN_OPTIONS: Final = dict.fromkeys(
    (
        "body_encoding",
        "deadletter_queue",
        "global_keyprefix",
        "priority_steps",
        "queue_order_strategy",
        "sep",
        "unacked_key",
        "unacked_index_key",
        "unacked_mutex_key",
    ),
    _LEAVE,
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
