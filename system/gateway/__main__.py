"""`python -m system.gateway HOST:PORT`: one gateway process, from CAUDAL_SETTINGS.

Prints `ready HOST:PORT` when it takes connections, and at its end one JSON line of what it counted.
"""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import msgspec

from system.allocator import keep_freed_memory
from system.broker import registry
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


async def run(process: Process, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT, then lets what is under way finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(registry.build(process), process.system.limits)
    try:
        server = await serve(gateway, host, port)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {host}:{port}: {error.strerror}; choose another address\n")
        sys.exit(2)
    print(f"ready {server.host}:{server.port}", flush=True)
    await _first(stop.wait(), server.wait())
    await server.close()
    print(msgspec.json.encode(gateway.stats).decode(), flush=True)


def main() -> None:
    """Reads the address from the command line and runs."""
    keep_freed_memory()
    host, _, port = sys.argv[1].rpartition(":")
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(run(from_environment(), host, int(port)))


if __name__ == "__main__":
    main()
