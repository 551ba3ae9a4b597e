"""The analyst: what one worker child does with a task, from the payload's fetch to the result row.

Claim check: START and the payloads in one round trip, scan, FINISH. Records in the arguments: scan, push the row; what
that loses or repeats, the harness shows. Instants are CLOCK_MONOTONIC; the commit's own instant is known only when its
reply comes, so it is shipped with the next row (system/wire/row.py).
"""

import hashlib
import os
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from system.broker import keys, payload
from system.broker.journal import APPEND, Finished, Journal
from system.broker.message import analyse, render
from system.engine.engine import ChunkEngine, Hits, SignatureEngine
from system.settings import Process
from system.signatures.model import Signature
from system.wire import batch_id, row
from system.wire.chunk import Chunk, parse_chunk
from system.wire.inflate import LIMIT_BYTES, InflateError, inflate
from system.wire.joined import Part
from system.wire.records import Records, locate
from system.worker.detections import detection_lines
from system.worker.joint import scan_all

#: In the place of a payload that isn't there any more, for a batch that is given up.
_GONE: Final = payload.Payload(gzip=False, received_mono_ns=0, published_mono_ns=0, part=Part(b"", 0))

#: Analysts that one process may have: a process id has at most 22 bits, and a row's writer 32.
WRITERS: Final = 1024


class Stamps(NamedTuple):
    """The instants of one batch on its way, in ns of CLOCK_MONOTONIC."""

    received: int
    published: int
    started: int
    fetched: int
    scanned: int


class Analyst:
    """One worker child's state: its engine, its connection, its task number."""

    def __init__(
        self,
        process: Process,
        signatures: Sequence[Signature],
        engine: SignatureEngine,
        client: Any,
        number: int = 0,
    ) -> None:
        self._signatures = signatures
        self._engine = engine
        self._chunk_engine = engine if isinstance(engine, ChunkEngine) else None
        self._client = client
        self._system = process.system
        self._node = process.node
        self._detections = process.detections
        self._journal = Journal(client, process.system.rows_limit)
        # A process may have many, in threads or greenlets, and a node started again has the node's number.
        self._writer = os.getpid() * WRITERS + number
        self._seq = 0
        #: (task number, instant) of the last commit that no row has carried yet.
        self.uncarried: tuple[int, int] | None = None

    def analyse(self, ids: list[bytes]) -> None:
        """Analyses the batches whose payloads lie under `ids`; those that somebody finished already are left alone."""
        started = time.monotonic_ns()
        attempts, stored = self._fetch(ids)
        fetched = time.monotonic_ns()
        if self._system.journal and len(ids) > 1 and max(attempts) > 1:
            self._split([one for one, attempt in zip(ids, attempts, strict=True) if attempt > 0])
            return
        begun: list[tuple[bytes, int, payload.Payload]] = []
        for one, attempt, value in zip(ids, attempts, stored, strict=True):
            if value is not None and attempt > 0:
                begun.append((one, attempt, payload.decode(value)))
            elif attempt > self._system.attempts:
                begun.append((one, attempt, _GONE))
        scanned = self._scan(begun)
        done = time.monotonic_ns()
        self._seq += 1
        carried = self.uncarried
        ends = []
        later = []
        for (one, attempt, held), outcome in zip(begun, scanned, strict=True):
            if outcome is None:
                later.append(one)
                continue
            stamps = Stamps(held.received_mono_ns, held.published_mono_ns, started, fetched, done)
            if isinstance(outcome, str):
                written = self._row(row.DEAD, one, attempt, held.packed_bytes, None, stamps)
                ends.append(Finished(one, written, 0, b"", outcome))
                continue
            records, hits = outcome
            written = self._row(row.ANALYSED, one, attempt, held.packed_bytes, outcome, stamps)
            found = detection_lines(one, records, hits, self._signatures) if self._detections else b""
            ends.append(Finished(one, written, len(records.starts), found, ""))
        self._split(later)
        # Until it is certain that the first row was written, the instant it carries may have to travel again.
        self.uncarried = carried
        done_now = self._finish(ends)
        committed = time.monotonic_ns()
        if carried is not None and ends and not done_now[0]:
            self.stamp()
        if any(done_now):
            self.uncarried = (self._seq, committed)
        repeated = sum(attempt == 0 for attempt in attempts)
        if repeated:
            self._client.hincrby(keys.COUNTERS, "repeat_executions", repeated)

    def _scan(self, begun: Sequence[tuple[bytes, int, payload.Payload]]) -> list[tuple[Records, Hits] | str | None]:
        """What is found in each payload; the reason if it is given up: tried too often, or no attempt could read it.

        None if it must have a task of its own: those before it inflated to as much as one may.
        """
        found: list[tuple[Records, Hits] | str | None] = []
        parts: dict[int, Part] = {}
        inflated_bytes = 0
        for place, (_, attempt, held) in enumerate(begun):
            found.append("")
            if attempt > self._system.attempts:
                found[place] = f"given up after {attempt - 1} attempts"
                continue
            if not held.gzip:
                parts[place] = held.part
                continue
            if inflated_bytes >= LIMIT_BYTES and self._system.journal:
                found[place] = None
                continue
            try:
                inflated = inflate(held.part.packed)
            except InflateError as error:
                found[place] = str(error)
            else:
                parts[place] = Part(inflated, 0)
                inflated_bytes += len(inflated)
        if self._chunk_engine is None:
            for place, one in zip(parts, scan_all(self._engine, list(parts.values())), strict=True):
                found[place] = one
        else:
            for place, part in parts.items():
                records = locate(bytes(part.packed))
                found[place] = records, self._search(begun[place][0], records)
        return found

    def _search(self, one: bytes, records: Records) -> Hits:
        if self._chunk_engine is None:
            return self._engine.scan(records.buffer, records.starts, records.ends)
        return self._chunk_engine.scan_chunk(_chunk(one), records.buffer, records.starts, records.ends)

    def _split(self, ids: list[bytes]) -> None:
        """Queues each batch of a group alone: one of them may have killed its worker, and must take no other with it."""
        for one in ids:
            self._journal.requeue(one, render(analyse([one])), "split")

    def _fetch(self, ids: list[bytes]) -> tuple[list[int], list[bytes | None]]:
        if self._system.journal:
            return self._journal.start(ids)
        stored = self._journal.payloads(ids)
        return [int(value is not None) for value in stored], stored

    def _finish(self, ends: list[Finished]) -> list[int]:
        """Commits; gives 1 for each batch whose row was written, 0 for one that somebody had finished meanwhile."""
        if not ends:
            return []
        if self._system.journal:
            return self._journal.finish(ends)
        pipe = self._client.pipeline(transaction=False)
        analysed = [end for end in ends if not end.given_up]
        self._append(pipe, [end.row for end in ends], len(analysed), sum(end.records for end in analysed))
        for end in ends:
            if end.given_up:
                pipe.hset(keys.DEAD, end.id + b":reason", end.given_up)
                pipe.hincrby(keys.COUNTERS, "batches_dead", 1)
            if end.detections:
                pipe.rpush(keys.DETECTIONS, end.detections)
            pipe.delete(keys.PAYLOAD + end.id)
        pipe.execute()
        return [1] * len(ends)

    def analyse_held(self, one: bytes, held: payload.Payload) -> None:
        """Analyses a batch that is in hand already: nothing to fetch, one row, no journal."""
        started = time.monotonic_ns()
        (outcome,) = self._scan([(one, 1, held)])
        stamps = Stamps(held.received_mono_ns, held.published_mono_ns, started, started, time.monotonic_ns())
        self._seq += 1
        found = None if isinstance(outcome, str) else outcome
        written = self._row(row.DEAD if found is None else row.ANALYSED, one, 1, held.packed_bytes, found, stamps)
        pipe = self._client.pipeline(transaction=False)
        self._append(pipe, [written], 0 if found is None else 1, 0 if found is None else len(found[0].starts))
        pipe.execute()
        self.uncarried = (self._seq, time.monotonic_ns())

    def analyse_records(self, one: bytes, received: int, published: int, packed_bytes: int, lines: list[str]) -> None:
        """Analyses records that came in the task's arguments: one row per execution, no journal."""
        started = time.monotonic_ns()
        raw = [line.encode("latin-1") for line in lines]
        lengths = np.fromiter(map(len, raw), dtype=np.int64, count=len(raw))
        ends = np.cumsum(lengths)
        records = Records(b"".join(raw), ends - lengths, ends, 0)
        fetched = time.monotonic_ns()
        hits = self._search(one, records)
        stamps = Stamps(received, published, started, fetched, time.monotonic_ns())
        self._seq += 1
        written = self._row(row.ANALYSED, one, 1, packed_bytes, (records, hits), stamps)
        pipe = self._client.pipeline(transaction=False)
        self._append(pipe, [written], 1, len(raw))
        if self._detections and len(hits.record):
            pipe.rpush(keys.DETECTIONS, detection_lines(one, records, hits, self._signatures))
        pipe.execute()
        self.uncarried = (self._seq, time.monotonic_ns())

    def _append(self, pipe: Any, rows: list[bytes], batches: int, records: int) -> None:
        # By EVAL with the source: in a pipeline there is no second try for a server that doesn't know the script.
        pipe.eval(APPEND.source, 2, keys.ROWS, keys.COUNTERS, self._system.rows_limit, *rows)
        pipe.hincrby(keys.COUNTERS, "batches_analysed", batches)
        pipe.hincrby(keys.COUNTERS, "records_analysed", records)

    def _row(self, kind: int, one: bytes, attempt: int, packed_bytes: int, outcome: Any, stamps: Stamps) -> bytes:
        chunk = _chunk(one)
        records, hits = outcome or (None, None)
        committed_seq, committed = self.uncarried or (0, 0)
        self.uncarried = None
        header = row.pack_header(
            kind,
            min(attempt, 255),
            self._node,
            self._writer,
            self._seq,
            committed_seq,
            committed,
            *(chunk.epoch, chunk.agent, chunk.count, chunk.first),
            0 if records is None else len(records.starts),
            0 if records is None else records.malformed,
            0 if hits is None else len(hits.record),
            packed_bytes,
            *stamps,
        )
        if hits is None or not len(hits.record):
            return header
        pairs = np.empty(len(hits.record), row.HIT)
        pairs["record"] = hits.record
        pairs["signature"] = hits.signature
        return header + pairs.tobytes()

    def stamp(self) -> None:
        """Ships the last commit's instant alone, when no next row has come to carry it."""
        waiting = self.uncarried
        if waiting is None:
            return
        self.uncarried = None
        blank = (0,) * 8
        header = row.pack_header(row.STAMP, 0, self._node, self._writer, 0, *waiting, *blank, 0, 0, 0, 0, 0)
        self._client.rpush(keys.ROWS, header)


def _chunk(one: bytes) -> Chunk:
    """The chunk of a batch; of another client's batch one that stands for it, made of its id."""
    # A batch whose client named no chunk has a random id, which holds no zero byte or holds one anywhere.
    chunk = parse_chunk(batch_id.split(one)[1])
    if chunk is not None:
        return chunk
    number = int.from_bytes(hashlib.blake2b(one, digest_size=8).digest(), "big")
    return Chunk(0, row.FOREIGN_AGENT, number, 0)
