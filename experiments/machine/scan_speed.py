"""How fast one core of this machine scans a cell's batches with its engine: what `caudal plan` counts the workers by.

Nothing is started: the engine is built here, a few records of the cell's kind are rendered, and batches of the size that is
expected are found and scanned again and again for a moment, as a worker child does it. CPU time counts, not the clock, so
that other work on the machine moves the figure little; of several looks the fastest stands. Celery, fetching and writing
are not in it: the workers carry less than this.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from experiments.design.trial_config import TrialConfig
from loadgen.model.flush_mix import FlushMix
from loadgen.model.records.files import from_files
from loadgen.model.records.ring import Mix, Ring, synthetic
from loadgen.ring import PackedRing
from system.engine import registry
from system.engine.engine import SignatureEngine
from system.signatures.loaders import load
from system.signatures.model import Signature
from system.wire.records import locate

#: Records rendered, and records of a batch at most: more change a speed by less than it moves by itself.
RING_RECORDS: Final = 2048
MOST_BATCH_RECORDS: Final = 1000
#: Looks, and CPU seconds of each: a tenth of a second for each combination of engine and batch.
LOOKS: Final = 4
LOOK_S: Final = 0.025


class ScanSpeeds:
    """Speeds by engine, rules, records, hand-off and batch, each measured once.

    Args:
        clock: CPU seconds of this thread.
        build: the engine of a name for some signatures.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.thread_time,
        build: Callable[[str, Sequence[Signature]], SignatureEngine] = registry.build,
    ) -> None:
        self._clock = clock
        self._build = build
        self._engines: dict[bytes, SignatureEngine] = {}
        self._rings: dict[bytes, Ring] = {}
        self._speeds: dict[bytes, float] = {}
        self._named: dict[str, float] = {}

    def of(self, config: TrialConfig, mix: FlushMix | None) -> float | None:
        """Records a second of one core; None for the engine `emulated`, which needs none, and where no batch is expected.

        Raises: EngineError, DialectError, RulesError: as when the system starts; ValueError: a file of records is empty.
        """
        if config.system.engine == "emulated" or mix is None or mix.records_per_batch is None:
            return None
        count = max(1, min(round(mix.records_per_batch), MOST_BATCH_RECORDS))
        key = _key(config.system.engine, config.system.rules, config.swarm.records, config.system.handoff, count)
        if key not in self._speeds:
            self._speeds[key] = self._measured(config, count)
            self._named[f"{config.system.engine}, {config.system.handoff}, batches of {count}"] = self._speeds[key]
        return self._speeds[key]

    def described(self) -> list[str]:
        """What was measured, as people read it."""
        return [f"{speed:,.0f} records/s, {name}" for name, speed in self._named.items()]

    def _measured(self, config: TrialConfig, count: int) -> float:
        engine = self._engine(config)
        ring = self._ring(config)
        if config.system.handoff == "arguments":
            lines = [line.decode("latin-1") for line in (ring.lines * (count // len(ring.lines) + 1))[:count]]
            return self._fastest(_from_arguments(engine, json.dumps(lines)), count)
        packed = bytes(PackedRing(ring, count).slice(0, 0, count))
        return self._fastest(_in_place(engine, packed), count)

    def _fastest(self, once: Callable[[], None], count: int) -> float:
        once()  # the first call fills caches
        best = 0.0
        for _ in range(LOOKS):
            begun, calls = self._clock(), 0
            while (spent := self._clock() - begun) < LOOK_S:
                once()
                calls += 1
            best = max(best, calls * count / spent)
        return best

    def _engine(self, config: TrialConfig) -> SignatureEngine:
        key = _key(config.system.engine, config.system.rules)
        if key not in self._engines:
            self._engines[key] = self._build(config.system.engine, load(config.system.rules))
        return self._engines[key]

    def _ring(self, config: TrialConfig) -> Ring:
        records = config.swarm.records
        key = _key(records)
        if key not in self._rings:
            size = min(records.ring_size, RING_RECORDS)
            self._rings[key] = (
                from_files(records.paths, RING_RECORDS)
                if records.source == "files"
                else synthetic(0, size, records.attack_ratio, Mix.of(msgspec.to_builtins(records.mix)))
            )
        return self._rings[key]


def _key(*parts: object) -> bytes:
    return msgspec.json.encode(parts, order="deterministic")


def _in_place(engine: SignatureEngine, packed: bytes) -> Callable[[], None]:
    """What a child does with a payload it fetched."""

    def once() -> None:
        records = locate(packed)
        engine.scan(records.buffer, records.starts, records.ends)

    return once


def _from_arguments(engine: SignatureEngine, body: str) -> Callable[[], None]:
    """What a child does with records that came in the task's arguments, as text."""

    def once() -> None:
        raw: Sequence[bytes] = [line.encode("latin-1") for line in json.loads(body)]
        lengths = np.fromiter(map(len, raw), dtype=np.int64, count=len(raw))
        ends = np.cumsum(lengths)
        engine.scan(b"".join(raw), ends - lengths, ends)

    return once
