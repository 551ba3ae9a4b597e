"""The floor of each stage: what its hops cost at the least, in CPU seconds a gigabyte, measured in the same minutes.

swarm     send
gateway   receive and send on (a bare loop)
broker    SET and GET of payloads, by the server's own CPU time
workers   receive, find the records' boundaries, one scan of clean bytes
"""

import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import hyperscan

from experiments.deploy import broker
from experiments.goals.batches import web_batches
from experiments.goals.loops import READ_BYTES, relayed
from system.broker.resp import packed
from system.engine.in_place import InPlace
from system.signatures.loaders import load
from system.wire.records import chain

#: Batches moved for one figure: 0.7 GB.
BATCHES: Final = 3000
#: Payloads of one command.
AT_ONCE: Final = 16
#: CPU seconds of a look at what needs no socket.
LOOK_S: Final = 0.5


def floors() -> dict[str, float]:
    """CPU seconds a gigabyte, by stage."""
    batches = web_batches(1000, attack_ratio=0.0)
    relay = relayed(batches, BATCHES)
    server, client = _broker(batches)
    finding = _cpu_a_gigabyte(batches, chain)
    return {
        "swarm": relay["send"],
        "gateway": relay["pass_on"],
        "broker": server,
        "workers": client + finding + _scan(batches),
    }


def _broker(batches: Sequence[bytes]) -> tuple[float, float]:
    """The server's cost of taking and giving payloads, and a client's of receiving them."""
    names = [b"k%d" % number for number in range(AT_ONCE)]
    some = [batches[number % len(batches)] for number in range(AT_ONCE)]
    pairs = [word for name, batch in zip(names, some, strict=True) for word in (name, batch)]
    store, fetch, drop = (
        [b"".join(packed([words]))] for words in ([b"MSET", *pairs], [b"MGET", *names], [b"DEL", *names])
    )
    reply_bytes = sum(len(b"$%d\r\n" % len(one)) + len(one) + 2 for one in some) + len(b"*%d\r\n" % AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="caudal-goals-") as folder:
        server = broker.start(Path(folder), named=None, url=None, cpus=())
        try:
            assert server.process is not None
            where = urlsplit(server.url)
            with socket.create_connection((where.hostname, where.port)) as link:
                _ask(link, b"".join(packed([[b"AUTH", (where.password or "").encode()]])), len(b"+OK\r\n"))
                begun, received_s, turns = server.process.cpu_s(), 0.0, BATCHES // AT_ONCE
                for _ in range(turns):
                    _ask(link, store[0], len(b"+OK\r\n"))
                    received_s += _ask(link, fetch[0], reply_bytes)
                    _ask(link, drop[0], len(b":%d\r\n" % AT_ONCE))
                moved = turns * sum(map(len, some))
                return (server.process.cpu_s() - begun) / moved * 1e9, received_s / moved * 1e9
        finally:
            server.stop()


def _ask(link: socket.socket, command: bytes, reply_bytes: int) -> float:
    """Sends and receives; gives the CPU seconds of receiving."""
    link.sendall(command)
    buffer = bytearray(READ_BYTES)
    begun = time.thread_time()
    while reply_bytes > 0:
        size = link.recv_into(buffer)
        if not size:
            raise RuntimeError("the broker closed the connection")
        reply_bytes -= size
    return time.thread_time() - begun


def _scan(batches: Sequence[bytes]) -> float:
    """One scan of each batch as it lies, with the relaxed signatures of the built-in rules."""
    shared = InPlace(load(("builtin",))).shared
    assert shared is not None
    scratch = shared.take()

    def one(batch: bytes) -> None:
        with contextlib.suppress(hyperscan.ScanTerminated):
            shared.database.scan(batch, lambda *_: None, scratch=scratch)

    return _cpu_a_gigabyte(batches, one)


def _cpu_a_gigabyte(batches: Sequence[bytes], work: Callable[[bytes], object]) -> float:
    work(batches[0])  # the first call fills caches
    begun, moved = time.thread_time(), 0
    while (spent := time.thread_time() - begun) < LOOK_S:
        for batch in batches:
            work(batch)
            moved += len(batch)
    return spent / moved * 1e9
