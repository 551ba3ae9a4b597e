"""`python -m system.gateway HOST:PORT [HOST:PORT]`: one gateway process, from CAUDAL_SETTINGS.

Waits for the broker first. The second address is the syslog listener's. Prints `ready HOST:PORT` when it takes
connections, then `syslog HOST:PORT` if it was given a second address, and at its end one JSON line of what it counted.
"""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import msgspec

from system import open_files
from system.allocator import keep_freed_memory
from system.broker import celery_publisher, durable, registry
from system.broker.connect import client, wait_for_broker
from system.broker.presence import Presence
from system.gateway.server import Gateway, serve
from system.settings import Process, from_environment

try:
    from uvloop import new_event_loop as _new_loop
except ImportError:  # it doesn't install everywhere
    from asyncio import new_event_loop as _new_loop  # type: ignore[assignment]


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Until one of several waits ends; raises what it raised."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    for task in done:
        task.result()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def run(process: Process, address: tuple[str, int], syslog: tuple[str, int] | None) -> None:
    """Serves until SIGTERM or SIGINT, then lets what is under way finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    system = process.system
    gateway = Gateway(
        registry.build(process), system.limits, task_batches=system.coalesce, task_bytes=system.coalesce_bytes
    )
    try:
        server = await serve(gateway, *address, syslog)
    except OSError as error:
        where = " or ".join(f"{host}:{port}" for host, port in (address, syslog or address)[: 2 if syslog else 1])
        sys.stderr.write(f"cannot listen on {where}: {error.strerror}; choose another address\n")
        sys.exit(2)
    print(f"ready {server.host}:{server.port}", flush=True)
    if server.syslog is not None:
        print(f"syslog {server.syslog[0]}:{server.syslog[1]}", flush=True)
    await _first(stop.wait(), server.wait())
    await server.close()
    print(msgspec.json.encode(gateway.stats).decode(), flush=True)


def _verify(process: Process) -> None:
    """Ends this process if it would acknowledge what the broker may lose, or could never publish."""
    try:
        if process.system.fsync:
            with client(process.redis_url) as redis:
                durable.verify(redis)
        if process.system.publisher == "celery":
            celery_publisher.verify(process)
    except (durable.NotDurableError, celery_publisher.NotPermittedError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def main() -> None:
    """Reads the address from the command line and runs."""
    keep_freed_memory()
    address, *syslog = map(_address, sys.argv[1:3])
    process = from_environment()
    open_files.ask_for(process.system.limits.connections)
    if process.waits:
        wait_for_broker(process.redis_url, "gateway")
    _verify(process)
    with Presence(process, "gateway"), asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(run(process, address, syslog[0] if syslog else None))


if __name__ == "__main__":
    main()
