"""Bare loops: the least that moving bytes through a hop costs, as CPU seconds a gigabyte, with nothing else done to them.

Each loop is a process of its own over loopback TCP, blocking sockets and the largest reads that help: what no gateway,
broker or worker can go below, as long as the hop is there.
"""

import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

#: Read at once: as much as the gateway reads.
READ_BYTES: Final = 256 * 1024

_START_S: Final = 10.0
_END_S: Final = 120.0
_CONTEXT = multiprocessing.get_context("fork")


class Loop:
    """A function in a process of its own: it is given a free port's listener, and its CPU time is kept."""

    def __init__(self, work: Callable[[socket.socket], int]) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        mine, theirs = _CONTEXT.Pipe()
        self._told = mine
        self._process = _CONTEXT.Process(target=_run, args=(work, listener, theirs), daemon=True)
        self._process.start()
        listener.close()
        theirs.close()

    def end(self) -> tuple[float, int]:
        """CPU seconds that it took, and the bytes it says it moved. Raises: RuntimeError if it failed or hangs."""
        try:
            if not self._told.poll(_END_S):
                raise RuntimeError(f"a bare loop took more than {_END_S:g} s")
            spent: tuple[float, int] = self._told.recv()
            return spent
        except EOFError:
            raise RuntimeError("a bare loop failed; see its traceback above") from None
        finally:
            self._process.terminate()
            self._process.join(_START_S)


def _run(work: Callable[[socket.socket], int], listener: socket.socket, told: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the command's own handler is for the command
    begun = time.process_time()
    moved = work(listener)
    told.send((time.process_time() - begun, moved))


def discard(listener: socket.socket) -> int:
    """Receives until the other side ends; gives the bytes."""
    buffer = bytearray(READ_BYTES)
    connection, _ = listener.accept()
    moved = 0
    with connection:
        while size := connection.recv_into(buffer):
            moved += size
    return moved


def pass_on(port: int) -> Callable[[socket.socket], int]:
    """A loop that receives and sends the same bytes to `port`."""

    def work(listener: socket.socket) -> int:
        buffer = memoryview(bytearray(READ_BYTES))
        connection, _ = listener.accept()
        moved = 0
        with connection, socket.create_connection(("127.0.0.1", port)) as onward:
            while size := connection.recv_into(buffer):
                onward.sendall(buffer[:size])
                moved += size
        return moved

    return work


def send(port: int, batches: list[bytes], most: int) -> Callable[[socket.socket], int]:
    """A loop that sends `most` of the batches, round and round, to `port`."""

    def work(_listener: socket.socket) -> int:
        moved = 0
        with socket.create_connection(("127.0.0.1", port)) as onward:
            for number in range(most):
                batch = batches[number % len(batches)]
                onward.sendall(batch)
                moved += len(batch)
        return moved

    return work


def relayed(batches: list[bytes], most: int) -> dict[str, float]:
    """CPU seconds a gigabyte of sending, of passing on, and of receiving the same bytes."""
    sink = Loop(discard)
    relay = Loop(pass_on(sink.port))
    source = Loop(send(relay.port, batches, most))
    found = {}
    for name, loop in (("send", source), ("pass_on", relay), ("receive", sink)):
        cpu_s, moved = loop.end()
        found[name] = cpu_s / moved * 1e9
    return found
