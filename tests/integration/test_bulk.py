"""The connection for large replies: a real server, and one that breaks off."""

import socket
import threading
import time
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from experiments.deploy.broker import Broker
from system.broker.bulk import Bulk, _is_stale
from system.broker.connect import client


def test_values_of_every_size_come_back_whole(broker: Broker, redis: Any) -> None:
    sizes = (0, 1, 1 << 16, (1 << 16) + 1, 3_000_000)
    for size in sizes:
        redis.set(f"v{size}", b"\r" * size)
    bulk = Bulk(client(broker.url))
    (found, refused, again) = bulk.execute(
        [[b"MGET", *(b"v%d" % size for size in sizes), b"none"], [b"INCR", b"v1"], [b"STRLEN", b"v1"]]
    )
    assert found == [*(b"\r" * size for size in sizes), None]
    assert isinstance(refused, ResponseError)
    assert again == 1
    bulk.close()


def test_a_connection_that_the_server_ended_meanwhile_is_made_anew(broker: Broker, redis: Any) -> None:
    bulk = Bulk(client(broker.url))
    assert bulk.execute([[b"PING"]]) == [b"PONG"]
    assert not _is_stale(bulk._connection)
    redis.client_kill_filter(_type="normal", skipme=True)
    until = time.monotonic() + 10
    while not _is_stale(bulk._connection) and time.monotonic() < until:
        time.sleep(0.001)
    assert bulk.execute([[b"PING"]]) == [b"PONG"]
    bulk.close()


@pytest.mark.parametrize(("says", "error"), [(b"$9\r\nabc", RedisConnectionError), (None, RedisTimeoutError)])
def test_half_a_reply_and_none_are_noticed(says: bytes | None, error: type[Exception]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                while data := peer.recv(65536):
                    # What connecting asks is answered; the last command gets what the test says, or nothing.
                    if b"MGET" not in data:
                        peer.sendall(b"+OK\r\n" * data.count(b"*"))
                    elif says is not None:
                        peer.sendall(says)
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        bulk = Bulk(redis.Redis(port=port, protocol=2, socket_timeout=0.5))
        with pytest.raises(error):
            bulk.execute([[b"MGET", b"a"]])
        thread.join(5)
