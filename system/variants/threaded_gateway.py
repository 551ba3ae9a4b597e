"""Variant `threaded_gateway`: a thread for each connection in the place of the event loop. Started as `system.gateway` is.

Everything but the waiting is the gateway's own: the session that reads the protocol, the publishers, group commit. A
connection's thread reads and hands batches on; one thread publishes all that wait in a round, and writes the acknowledgements
after the broker confirmed. Limits on frames, connections, bytes in flight, slow senders and readers hold too. There is no
syslog listener, and a peer that ends its half while batches are in flight loses their acknowledgements, not the batches.

Invariants: a batch is acknowledged after its round and never before; a round that wasn't confirmed closes its connections.
"""

import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import time
from asyncio import Runner
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from system import open_files
from system.allocator import keep_freed_memory
from system.broker import registry
from system.broker.batch import Batch
from system.broker.connect import wait_for_broker
from system.broker.presence import Presence
from system.broker.publisher import BrokerUnavailableError, Outcome, Publisher
from system.gateway.rounds import ROUND_BATCHES, ROUND_BYTES
from system.gateway.server import BACKLOG
from system.gateway.session import Session
from system.settings import Limits, Process, from_environment
from system.wire import batch_id
from system.wire.chunk import parse_chunk
from system.wire.messages import Envelope

#: As much as asyncio's and uvloop's read buffers take at once.
READ_BYTES: Final = 256 * 1024

#: A thread's stack: reserved, not used. With the default of 8 MiB 10,000 threads would want 80 GB of addresses.
STACK_BYTES: Final = 256 * 1024


class Waiting(NamedTuple):
    """A batch that waits for its round, and how to answer."""

    batch: Batch
    ack: bytes | None
    sender: "Talker"


class Rounds:
    """The list of batches that wait, bounded by bytes in flight, and the thread that publishes them."""

    def __init__(self, publisher: Publisher, limits: Limits) -> None:
        self._publisher = publisher
        self._limit_bytes = limits.inflight_bytes
        self._waiting: deque[Waiting] = deque()
        self._inflight_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False

    def add(self, batches: Sequence[Waiting]) -> None:
        """Puts batches at the end of the list; waits while too many bytes are in flight."""
        with self._changed:
            while self._inflight_bytes > self._limit_bytes and not self._stopping:
                self._changed.wait()
            self._waiting.extend(batches)
            self._inflight_bytes += sum(len(one.batch.packed) for one in batches)
            self._changed.notify_all()

    def stop(self) -> None:
        """Lets `run` end once the list is empty."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Publishes round after round until stopped: the body of its thread."""
        with Runner() as runner:  # the publishers are coroutines; nothing else runs on this loop
            while taken := self._take():
                try:
                    outcomes = runner.run(self._publisher.publish([one.batch for one in taken]))
                except BrokerUnavailableError:
                    for one in taken:
                        one.sender.close()
                else:
                    answer(taken, outcomes)
                with self._changed:
                    self._inflight_bytes -= sum(len(one.batch.packed) for one in taken)
                    self._changed.notify_all()
            runner.run(self._publisher.close())

    def _take(self) -> list[Waiting]:
        """The next round; empty when stopped and nothing waits any more."""
        with self._changed:
            while not self._waiting and not self._stopping:
                self._changed.wait()
            taken: list[Waiting] = []
            left_bytes = ROUND_BYTES
            while self._waiting and len(taken) < ROUND_BATCHES:
                left_bytes -= len(self._waiting[0].batch.packed)
                if left_bytes < 0 and taken:
                    break
                taken.append(self._waiting.popleft())
            return taken


def answer(taken: Sequence[Waiting], outcomes: Sequence[Outcome]) -> None:
    """Writes a round's acknowledgements, one write a connection; after a conflict a connection gets no more and is closed."""
    acks: dict[Talker, list[bytes]] = {}
    conflicts: set[Talker] = set()
    for one, outcome in zip(taken, outcomes, strict=True):
        if outcome is Outcome.CONFLICT:
            conflicts.add(one.sender)
        if one.sender not in conflicts and one.ack is not None:
            acks.setdefault(one.sender, []).append(one.ack)
    for sender, each in acks.items():
        sender.write(b"".join(each))
    for sender in conflicts:
        sender.close()


class Talker:
    """One connection and its thread."""

    def __init__(self, connection: socket.socket, limits: Limits, rounds: Rounds) -> None:
        self._socket = connection
        self._rounds = rounds
        self._session = Session(limits.frame_bytes, limits.frame_deadline_s)
        # Of a message under way, and of acknowledgements that the peer doesn't read. Between messages it may wait for ever.
        self._deadline_s = limits.frame_deadline_s

    def run(self) -> None:
        """Reads until the peer ends, breaks the protocol or is too slow."""
        session, rounds, read = self._session, self._rounds, self._socket.recv
        try:
            while data := read(READ_BYTES):
                now_mono_ns = time.monotonic_ns()
                envelopes = session.receive(data, now_mono_ns)
                if envelopes:
                    rounds.add([self._waiting(one, now_mono_ns) for one in envelopes])
                if session.refusal is not None or session.deadline.is_overdue(now_mono_ns):
                    break
                wanted = None if session.deadline.is_idle else self._deadline_s
                if wanted != self._socket.gettimeout():
                    self._socket.settimeout(wanted)
        except OSError:
            pass  # the peer has gone, or a message wasn't ended in time

    def _waiting(self, envelope: Envelope, now_mono_ns: int) -> Waiting:
        chunk = envelope.chunk
        identity = batch_id.join(envelope.tag, chunk or os.urandom(16))
        batch = Batch(
            identity,
            parse_chunk(chunk) if chunk else None,
            envelope.packed,
            envelope.gzip,
            now_mono_ns,
            named=bool(chunk),
        )
        return Waiting(batch, envelope.ack, self)

    def write(self, acks: bytes) -> None:
        """Sends acknowledgements; a peer that has gone or doesn't read them loses the connection, not the batches."""
        try:
            self._socket.sendall(acks)
        except OSError:
            self.close()

    def close(self) -> None:
        """Ends both halves, which ends the thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def discard(self) -> None:
        """Gives the socket back."""
        self._socket.close()


class ThreadedGateway:
    """The listener, and the connections that are open."""

    def __init__(self, publisher: Publisher, limits: Limits, host: str, port: int) -> None:
        """Raises: OSError if the address can't be bound."""
        self._limits = limits
        self._rounds = Rounds(publisher, limits)
        self._talkers: set[Talker] = set()
        # How long a write may wait for a peer that doesn't read: a `struct timeval`.
        self._patience = struct.pack("ll", round(limits.frame_deadline_s), 0)
        self._listener = socket.create_server((host, port), backlog=BACKLOG)
        self._publishing = threading.Thread(target=self._rounds.run, name="rounds")
        #: Where it listens.
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    def start(self) -> None:
        """Takes connections from now on."""
        threading.stack_size(STACK_BYTES)
        self._publishing.start()
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            if len(self._talkers) >= self._limits.connections:
                connection.close()
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, self._patience)
            talker = Talker(connection, self._limits, self._rounds)
            self._talkers.add(talker)
            threading.Thread(target=self._talk, args=(talker,), daemon=True).start()

    def _talk(self, talker: Talker) -> None:
        try:
            talker.run()
        finally:
            self._talkers.discard(talker)
            talker.discard()

    def close(self) -> None:
        """Stops listening, publishes and acknowledges what was taken on, and closes all connections."""
        self._listener.close()
        self._rounds.stop()
        self._publishing.join()
        for talker in list(self._talkers):
            talker.close()


def main() -> None:
    """Reads the address from the command line, serves until SIGTERM or SIGINT."""
    keep_freed_memory()
    host, _, port = sys.argv[1].rpartition(":")
    process: Process = from_environment()
    open_files.ask_for(process.system.limits.connections)
    wait_for_broker(process.redis_url, "gateway")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    gateway = ThreadedGateway(registry.build(process), process.system.limits, host, int(port))
    with Presence(process, "gateway"):
        gateway.start()
        print(f"ready {gateway.address[0]}:{gateway.address[1]}", flush=True)
        ended.wait()
        gateway.close()


if __name__ == "__main__":
    main()
