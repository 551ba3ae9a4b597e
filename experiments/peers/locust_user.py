"""A Locust user that sends Forward messages and waits for each answer: run by `locust -f`, with Locust's own Python.

Imports nothing of ours. PEER_MESSAGES names a file of messages without their option, each with its length before it (4 bytes,
big-endian). The option's chunk id is new for each: a known one would be answered without being taken.
"""

import itertools
import os
import socket
import struct
import time

from gevent import monkey

monkey.patch_all()

from locust import User, constant, task  # type: ignore[import-not-found]  # noqa: E402 - after the patch

HOST, PORT = os.environ["PEER_HOST"], int(os.environ["PEER_PORT"])
CHUNK_BYTES = 24


def bodies() -> list[bytes]:
    """The messages up to their option."""
    with open(os.environ["PEER_MESSAGES"], "rb") as file:
        raw = file.read()
    found, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from(">I", raw, at)
        found.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return found


BODIES = bodies()
NUMBERS = itertools.count()


class Agent(User):  # type: ignore[misc]
    """One connection, one message at a time."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Connects."""
        self.link = socket.create_connection((HOST, PORT))

    @task  # type: ignore[untyped-decorator]
    def batch(self) -> None:
        """Sends a batch, waits for its answer and reports it."""
        number = next(NUMBERS)
        chunk = b"locust%018d" % number
        option = b"\x81\xa5chunk\xb8" + chunk
        begun = time.perf_counter()
        self.link.sendall(BODIES[number % len(BODIES)] + option)
        answer = b""
        while len(answer) < 6 + CHUNK_BYTES:
            part = self.link.recv(64)
            if not part:
                raise ConnectionError("the gateway closed the connection")
            answer += part
        self.environment.events.request.fire(
            request_type="forward", name="batch", response_time=(time.perf_counter() - begun) * 1e3,
            response_length=len(answer), exception=None, context={},
        )  # fmt: skip
