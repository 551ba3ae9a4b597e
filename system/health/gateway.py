"""The gateway is healthy if it acknowledges a message, so that Redis took it or knows it.

The message holds no records, and its chunk is the same each time: once taken it is known, and leaves nothing behind (for
an hour; without the journal each is a task that finds no records).
"""

import socket
import time
from typing import Final

from system.health import UnhealthyError
from system.wire.packing import ack, message_header, message_option

TAG: Final = b"caudal.health"
CHUNK: Final = b"caudal-health"


def check_gateway(host: str, port: int, within_s: float) -> None:
    """Raises: UnhealthyError unless the gateway acknowledges a message within `within_s` seconds."""
    message = message_header(TAG, 0) + message_option(CHUNK, 0)
    wanted = ack(CHUNK)
    until = time.monotonic() + within_s
    answer = b""
    try:
        with socket.create_connection((host, port), within_s) as connection:
            connection.sendall(message)
            while len(answer) < len(wanted):
                connection.settimeout(max(0.001, until - time.monotonic()))
                read = connection.recv(4096)
                if not read:
                    raise UnhealthyError(f"the gateway at {host}:{port} closed without an acknowledgement")
                answer += read
    except OSError as error:
        raise UnhealthyError(f"no acknowledgement from {host}:{port} within {within_s:g} s: {error}") from error
    if answer != wanted:
        raise UnhealthyError(f"the gateway at {host}:{port} answered {answer!r}, not {wanted!r}")
