"""Task calls, and Celery's message (task protocol 2 in kombu's Redis envelope) written by hand.

Both publishers make the same message of the same call, field by field (a contract test holds them together, and celery
and kombu are pinned): `celery` through `apply_async`, `pipelined` by `render`.
Source: Celery documentation, "Message Protocol", version 2; the envelope is read from kombu 5.7 transport/virtual.
"""

import base64
import os
import socket
import uuid
from typing import Any, Final

import msgspec
from celery.utils.saferepr import saferepr

from system.broker import keys
from system.broker.batch import Batch
from system.wire.inflate import InflateError, inflate
from system.wire.records import locate

ANALYSE: Final = "caudal.analyse"
ANALYSE_RECORDS: Final = "caudal.analyse_records"
PROBE: Final = "caudal.probe"

#: For how long the answer to a probe is kept for whoever asked, in seconds.
PROBE_KEPT_S: Final = 60

#: Celery's default length of `argsrepr`.
ARGSREPR_MOST: Final = 1024

_EMBED: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class TaskCall(msgspec.Struct, frozen=True):
    """One task to run: its name, its Celery id, its arguments, and custom headers (`batches`: ids for the sweeper)."""

    task: str
    id: str
    args: tuple[Any, ...]
    headers: dict[str, Any]


def text(batch_id: bytes) -> str:
    """The id as JSON can carry it: each byte one code point."""
    return batch_id.decode("latin-1")


def analyse(ids: list[bytes]) -> TaskCall:
    """The call that names payloads in Redis (claim check); the first id names the task."""
    names = [text(one) for one in ids]
    return TaskCall(ANALYSE, names[0], (names,), {"batches": names})


def analyse_records(batch: Batch, published_mono_ns: int) -> TaskCall:
    """The call that carries the records themselves, decoded, as the original design has it.

    A gzip payload that can't be read is one malformed entry, and like any other it has an empty text.
    """
    name = text(batch.id)
    try:
        packed = bytes(batch.packed)
        found = locate(inflate(packed) if batch.gzip else packed)
    except InflateError:
        found = locate(b"\xc1")
    lines = [
        found.buffer[start:end].decode("latin-1")
        for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    ]
    args = (name, batch.received_mono_ns, published_mono_ns, len(batch.packed), lines)
    return TaskCall(ANALYSE_RECORDS, name, args, {"batches": [name]})


def probe(token: str) -> TaskCall:
    """The call that has the worker which takes it write its name: no batch, no row, and nothing is counted."""
    return TaskCall(PROBE, token, (token,), {})


_reply_to = str(uuid.uuid4())  # Celery names a reply queue in every message, whether replies are wanted or not
_origin = f"gen{os.getpid()}@{socket.gethostname()}"


def render(call: TaskCall) -> bytes:
    """The bytes that `apply_async` would push for `call`: one element of Celery's queue.

    The delivery tag is new at each call: it is the key under which kombu notes the message as unacknowledged.
    """
    body = msgspec.json.encode([call.args, {}, _EMBED])
    message = {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": call.task,
            "id": call.id,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": call.id,
            "parent_id": None,
            "argsrepr": saferepr(call.args, ARGSREPR_MOST),
            "kwargsrepr": "{}",
            "origin": _origin,
            "ignore_result": True,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
            **call.headers,
        },
        "properties": {
            "correlation_id": call.id,
            "reply_to": _reply_to,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": keys.QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    return msgspec.json.encode(message)
