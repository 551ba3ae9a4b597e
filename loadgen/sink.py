"""The sink: a server that acknowledges every Forward message and does nothing else.

The load generator held against it shows its own pace, rate and CPU time, with no system behind it to blame. It reads
messages as the gateway does (`system.wire`) and answers at once; what it took is counted and printed at its end.

Spoken to as the gateway is: says `ready HOST:PORT`, ends at SIGTERM or SIGINT with one line of JSON.
"""

import asyncio
import json
import resource
import signal
import sys
from typing import Final, cast

from system.wire.framing import FrameReader
from system.wire.messages import ProtocolError

try:
    from uvloop import new_event_loop as _new_loop
except ImportError:  # it doesn't install everywhere
    from asyncio import new_event_loop as _new_loop  # type: ignore[assignment]

#: The longest message taken: the gateway's default.
FRAME_BYTES: Final = 16 << 20

#: Connections that may wait to be accepted: a fleet comes all at once.
BACKLOG: Final = 4096


class Sink:
    """What all connections share: the counters."""

    def __init__(self) -> None:
        self.batches = 0
        self.received_bytes = 0
        self.connections = 0
        self.refused = 0

    def connection(self) -> "_Connection":
        """A protocol object for a new connection."""
        return _Connection(self)


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._reader = FrameReader(FRAME_BYTES)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._sink.connections += 1

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._sink.received_bytes += len(data)
        acks = []
        try:
            for envelope in self._reader.feed(data):
                self._sink.batches += 1
                acks.append(envelope.ack)
        except ProtocolError:
            self._sink.refused += 1
            self._transport.abort()
            return
        answer = b"".join(ack for ack in acks if ack)
        if answer:
            self._transport.write(answer)


async def serve(host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT. Raises: SystemExit if the address can't be had."""
    loop = asyncio.get_running_loop()
    sink, stop = Sink(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        server = await loop.create_server(sink.connection, host, port, backlog=BACKLOG)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {host}:{port}: {error.strerror}; choose another address\n")
        sys.exit(2)
    bound = server.sockets[0].getsockname()
    print(f"ready {bound[0]}:{bound[1]}", flush=True)
    await stop.wait()
    server.close()
    print(json.dumps(vars(sink)), flush=True)


def main() -> None:
    """`python -m loadgen.sink HOST:PORT`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # one file a connection, and nothing else to open
    host, _, port = sys.argv[1].rpartition(":")
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(host, int(port)))


if __name__ == "__main__":
    main()
