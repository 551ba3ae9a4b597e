"""The worker's scanning: bytes a CPU second on clean traffic, as a child does it with a payload it has fetched."""

import time
from typing import Final

from experiments.goals.batches import web_batches
from system.engine import registry
from system.settings import SystemSettings
from system.signatures.loaders import load
from system.wire.joined import Part
from system.worker.joint import scan_all

LOOK_S: Final = 1.0


def clean_bytes_a_cpu_second() -> float:
    """Packed bytes without attacks located and scanned, a CPU second, with the built-in rules."""
    engine = registry.build("hyperscan", load(("builtin",)), SystemSettings())
    parts = [Part(batch, 0) for batch in web_batches(1000, attack_ratio=0.0)]
    scan_all(engine, parts)  # the first call fills caches
    begun, moved = time.thread_time(), 0
    while (spent := time.thread_time() - begun) < LOOK_S:
        scan_all(engine, parts)
        moved += sum(len(part.buffer) for part in parts)
    return moved / spent
